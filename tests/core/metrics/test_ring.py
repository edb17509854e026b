"""The file of the latest records: bounded, readable at any moment, and whole whatever is killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core.errors import StateUnusable
from aim_jupyter.core.metrics import ring
from aim_jupyter.core.metrics.ring import Ring
from tests.waiting import LIMIT_S

WIDTH, CAPACITY = 100, 50
#: Writes records as fast as it can, each of one number throughout.
WRITER = f"""
import sys
from pathlib import Path
from aim_jupyter.core.metrics.ring import Ring
with Ring(Path(sys.argv[1]), write=True) as ring:
    while True:
        ring.append([float(ring.written)] * {WIDTH})
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "x.ring"
    ring.create(path, {"figures": ["at"]}, WIDTH, CAPACITY)
    return path


def record(number: float) -> list[float]:
    return [number] * WIDTH


def times(path: Path, first: int = 0) -> list[float]:
    with Ring(path) as reader:
        return list(reader.rows(first).column(0))


def test_records_come_back_in_order_with_their_header(file: Path) -> None:
    with Ring(file, write=True) as writer:
        for number in range(3):
            writer.append([number, *range(WIDTH - 1)])
    with Ring(file) as reader:
        assert reader.header == b'{"figures":["at"]}'
        assert (reader.width, reader.capacity, len(reader)) == (WIDTH, CAPACITY, 3)
        rows = reader.rows()
        assert [list(row) for row in rows] == [[n, *range(WIDTH - 1)] for n in range(3)]
        assert list(rows.column(WIDTH - 1)) == [WIDTH - 2] * 3


@given(written=st.integers(0, 3 * CAPACITY), first=st.integers(0, 3 * CAPACITY))
def test_the_latest_are_kept_and_no_more(
    tmp_path_factory: pytest.TempPathFactory, written: int, first: int
) -> None:
    path = tmp_path_factory.mktemp("ring") / "x.ring"
    ring.create(path, {}, 2, CAPACITY)
    with Ring(path, write=True) as writer:
        for number in range(written):
            writer.append([number, -number])
    expected = list(range(max(first, written - CAPACITY, 0), written))
    assert times(path, first) == expected
    assert path.stat().st_size <= 4096 + CAPACITY * 3 * 8
    with Ring(path) as reader:
        assert len(reader) == min(written, CAPACITY)
        # What is gone can't be found: the search begins with the oldest that is there.
        assert reader.since(first) == max(min(first, written), written - CAPACITY, 0)


def test_a_damaged_record_is_left_out_and_the_others_are_not(file: Path) -> None:
    with Ring(file, write=True) as writer:
        for number in range(10):
            writer.append(record(number))
    with file.open("r+b") as damaged:
        damaged.seek(-3 * (WIDTH + 1) * 8 + 200, os.SEEK_END)
        damaged.write(b"\xff" * 7)
    assert times(file) == [0, 1, 2, 3, 4, 5, 6, 8, 9]


def test_a_record_that_was_overtaken_is_not_taken_for_the_old_one(file: Path) -> None:
    with Ring(file, write=True) as writer:
        for number in range(CAPACITY):
            writer.append(record(number))
        # As if the writer had been killed between the record and the count.
        end = writer.written
        writer.append(record(99))
        os.pwrite(writer._file, end.to_bytes(8, "little"), 8)
    assert times(file) == list(range(1, CAPACITY))


@pytest.mark.parametrize("content", [b"", b"aimring1", b"x" * 100, b"aimring1" + b"\xff" * 40])
def test_what_is_no_ring_is_said_so(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.ring"
    path.write_bytes(content)
    with pytest.raises(ValueError, match="ring file"):
        Ring(path)
    with ring.opened(path) as reader:
        assert reader is None
    with ring.opened(tmp_path / "absent") as reader:
        assert reader is None


@given(cut=st.integers(0, 3000), flips=st.dictionaries(st.integers(0, 3000), st.integers(0, 255)))
def test_any_damage_gives_fewer_records_never_wrong_ones(
    tmp_path_factory: pytest.TempPathFactory, cut: int, flips: dict[int, int]
) -> None:
    path = tmp_path_factory.mktemp("ring") / "x.ring"
    ring.create(path, {}, 10, 40)
    with Ring(path, write=True) as writer:
        for number in range(60):
            writer.append([float(number)] * 10)
    content = bytearray(path.read_bytes())[: cut or None]
    for place, byte in flips.items():
        if place < len(content):
            content[place] = byte
    path.write_bytes(content)
    with contextlib.suppress(ValueError), Ring(path) as reader:
        for row in reader.rows():
            assert len(row) == reader.width
            if reader.width == 10:
                assert len(set(row)) == 1


def test_a_full_disk_is_an_error_and_loses_only_the_new_record(file: Path) -> None:
    with Ring(file, write=True) as writer:
        writer.append(record(1))
    with Ring(file) as reader, pytest.raises(OSError, match="Bad file descriptor"):
        reader.append(record(2))
    assert times(file) == [1]


def test_a_file_that_can_not_be_made_is_told(tmp_path: Path) -> None:
    with pytest.raises(StateUnusable):
        ring.create(tmp_path / "absent" / "x.ring", {}, 1, 1)


def test_killed_while_writing_again_and_again_it_holds_whole_records_only(file: Path) -> None:
    seen = 0.0
    for _ in range(10):
        child = subprocess.Popen([sys.executable, "-c", WRITER, str(file)])
        try:
            # It is read while it is written, from the first record on.
            end = time.monotonic() + LIMIT_S
            while time.monotonic() < end:
                with Ring(file) as reader:
                    rows = [list(row) for row in reader.rows()]
                assert all(len(set(row)) == 1 for row in rows)
                numbers = [row[0] for row in rows]
                assert numbers == sorted(set(numbers))
                assert len(numbers) <= CAPACITY
                if numbers and numbers[-1] > seen + CAPACITY:
                    break
            seen = numbers[-1]
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait()
    kept = times(file)
    assert kept[-1] >= seen
    assert kept == [kept[0] + step for step in range(len(kept))]
