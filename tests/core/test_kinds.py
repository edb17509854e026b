"""Structures that many threads decode at once, for the first time."""

from __future__ import annotations

import subprocess
import sys

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
