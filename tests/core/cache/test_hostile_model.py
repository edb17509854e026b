"""A model's folder that is too much: one line, in bounded memory.

The figures are shown with ``-rP``: seconds of CPU, and the peak of a child beyond what it imports.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from aim_jupyter.core import files, safetensors
from tests.conftest import FakeEngine
from tests.core.cache.sound import sound_model

MOST_MB = 200
#: Of an index of weights.
BEFORE, WEIGHT = '{"weight_map":{', '"tensor%d":"model-%d.safetensors"'
DEEP = 100_000
CHILD = """
import json, sys, time
from aim_jupyter.core import api
from aim_jupyter.core.errors import AimError
from aim_jupyter.core.request import Request
def peak():
    # Not `getrusage`: that begins with what the parent had.
    with open("/proc/self/status") as status:
        return int(next(line for line in status if line.startswith("VmHWM")).split()[1]) / 1024
before, began, said = peak(), time.process_time(), []
for ask in (lambda: api.plan(Request(model=sys.argv[1])), lambda: api.fit({"model": sys.argv[1]}),
            lambda: api.verify([sys.argv[1]]), api.models_on_disk):
    try:
        ask()
    except AimError as error:
        said.append(error.found)
print(json.dumps([said, time.process_time() - began, peak() - before]))
"""


def many(count: int, each: str, before: str = "{", after: str = "}") -> str:
    """Return JSON with so many members; `each` has their number in it."""
    return (
        before + ",".join(each % ((number,) * each.count("%d")) for number in range(count)) + after
    )


def header(folder: Path, most: int) -> None:
    """Write a weight file whose header has about `most` bytes, of tensors of four bytes each."""
    each = '"t%d":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}'
    count = min(1_500_000, most // (len(each) + 6))
    text = many(count, each).encode()
    with (folder / "model.safetensors").open("wb") as file:
        file.write(len(text).to_bytes(8, "little") + text)
        file.truncate(8 + len(text) + 4)


def sparse(file: Path, size: int) -> None:
    """Make a file of that size, of which nothing is on disk."""
    with file.open("wb") as made:
        made.truncate(size)


def nested(opens: str, closes: str) -> str:
    return opens * DEEP + "1" + closes * DEEP


#: What is done to a folder that is sound otherwise.
CASES: dict[str, Callable[[Path], object]] = {
    "config nested": lambda f: (f / "config.json").write_text(nested('{"a":', "}")),
    "config of lists": lambda f: (f / "config.json").write_text(nested("[", "]")),
    "config of 40 MB": lambda f: (f / "config.json").write_text(many(2_000_000, '"k%d":[1]')),
    "config at the limit": lambda f: (f / "config.json").write_text(
        many(files.MOST_CONFIG // 15, '"k%d":[1]')
    ),
    "config of 2 GB": lambda f: sparse(f / "config.json", 2 << 30),
    "tokenizer of 2 GB": lambda f: sparse(f / "tokenizer.json", 2 << 30),
    "tokenizer nested": lambda f: (f / "tokenizer.json").write_text(nested('{"a":', "}")),
    "tokenizer at the limit": lambda f: (f / "tokenizer.json").write_text(
        many(files.MOST_JSON // 13, '"k%d":1')
    ),
    "tokenizer's config nested": lambda f: (f / "tokenizer_config.json").write_text(
        nested('{"a":', "}")
    ),
    "template of 2 GB": lambda f: sparse(f / "chat_template.jinja", 2 << 30),
    "1.5 million tensors": lambda f: header(f, 1 << 30),
    "header at the limit": lambda f: header(f, safetensors.MOST_HEADER),
    "header nested": lambda f: (f / "model.safetensors").write_bytes(
        (6 * DEEP + 1).to_bytes(8, "little") + nested('{"a":', "}").encode()
    ),
    "index of 1 million": lambda f: (f / "model.safetensors.index.json").write_text(
        many(1_000_000, '"tensor%d":"model-%d.safetensors"', '{"weight_map":{', "}}")
    ),
    "index at the limit": lambda f: (f / "model.safetensors.index.json").write_text(
        many(
            safetensors.MOST_INDEX // 50,
            '"tensor%d":"model-%d.safetensors"',
            '{"weight_map":{',
            "}}",
        )
    ),
    "index nested": lambda f: (f / "model.safetensors.index.json").write_text(
        nested('{"weight_map":', "}")
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_it_is_one_line_in_bounded_memory(fake: FakeEngine, tmp_path: Path, case: str) -> None:
    fake()
    folder = sound_model(tmp_path / "model")
    CASES[case](folder)
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(folder)],
        env=os.environ.copy(),
        capture_output=True,
        text=True,
        check=False,
    )
    shutil.rmtree(folder)
    assert done.returncode == 0, done.stderr[-2000:]
    said, cpu_s, peak_mb = json.loads(done.stdout)
    sys.stdout.write(f"{case}: {cpu_s:.2f} s of CPU, {peak_mb:.0f} MB, {said[:1]}\n")
    assert all(line.count("\n") == 0 and len(line) < 500 for line in said)
    assert 0 < peak_mb < MOST_MB
