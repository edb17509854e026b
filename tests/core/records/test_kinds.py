"""Structures that many threads decode at once, for the first time."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import aim_jupyter

PACKAGE = Path(aim_jupyter.__file__).parent

#: Without `resolved` it ends by SIGSEGV, seen with msgspec 0.22.
PROGRAM = """
import sys, threading
import msgspec
from aim_jupyter.core.records.kinds import resolved

sys.setswitchinterval(1e-6)
THREADS = 4

def decode(kind, barrier):
    barrier.wait()
    msgspec.json.decode(b'{"inner":{"a":1,"b":[2]}}', type=resolved(kind))

for _ in range(200):
    inner = msgspec.defstruct("Inner", [("a", int), ("b", list[int])])
    outer = msgspec.defstruct("Outer", [("inner", inner), ("more", dict[str, inner], {})])
    barrier = threading.Barrier(THREADS)
    threads = [threading.Thread(target=decode, args=[outer, barrier]) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
print("whole")
"""


def test_threads_that_meet_a_structure_at_once_all_decode_it() -> None:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "whole\n"), done.stderr


def unresolved(source: str) -> Iterator[int]:
    """Yield the lines on which a structure is decoded that `resolved` has not seen."""
    for call in ast.walk(ast.parse(source)):
        if not isinstance(call, ast.Call) or "msgspec" not in ast.unparse(call.func):
            continue
        name = ast.unparse(call.func).rpartition(".")[2]
        given = [word.value for word in call.keywords if word.arg == "type"]
        given += {"Decoder": call.args[:1], "convert": call.args[1:2]}.get(name, [])
        for kind in given:
            named = {word.id for word in ast.walk(kind) if isinstance(word, ast.Name)} - {"Any"}
            if "resolved" not in named and any(word[0].isupper() for word in named):
                yield call.lineno


def test_no_thread_decodes_what_was_not_looked_at() -> None:
    assert list(unresolved("msgspec.json.decode(text, type=dict[str, Server])")) == [1]
    # The chaos and its kernels decode in one thread.
    files = [path for path in PACKAGE.rglob("*.py") if "testing" not in path.parts]
    found = {path.name: list(unresolved(path.read_text("utf-8"))) for path in files}
    del found["kinds.py"]
    assert {name: lines for name, lines in found.items() if lines} == {}
