"""How much of a log stays on disk, and that nothing recent is lost."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from aim_jupyter.core import api, files
from aim_jupyter.core.serving.watch import retention
from aim_jupyter.core.serving.watch.stages import LogReader
from tests.conftest import FakeEngine
from tests.waiting import bytes_read, launch_ready, until

TWO_GB = 2_000_000_000


def on_disk(log: Path) -> int:
    return log.stat().st_blocks * 512


@pytest.mark.timeout(300)
def test_two_gigabytes_are_bounded_and_their_end_is_there_at_once(fake: FakeEngine) -> None:
    fake()
    folder = launch_ready()
    line = b"x" * 99 + b"\n"
    with folder.log.open("ab") as log:
        # In parts, as an engine that floods: a supervisor may never fall far behind.
        for _ in range(TWO_GB // (100 * 200_000)):
            log.write(line * 200_000)
        log.write(b"the last word\n")
    until(lambda: on_disk(folder.log) <= retention.MOST_BYTES, limit_s=200)
    assert folder.log.stat().st_size > TWO_GB
    before = bytes_read()
    assert api.logs("demo", lines=2) == ["x" * 99, "the last word"]
    assert bytes_read() - before < 1 << 20
    assert len(api.logs("demo", lines=1_000_000)) >= retention.KEPT_BYTES // 101
    assert api.status("demo").record.state == "running"


def test_a_short_log_is_left_alone(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"x\n" * 1000)
    assert retention.excess(log) == 0
    assert retention.excess(tmp_path / "absent") == 0


@pytest.fixture
def long_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(retention, "MOST_BYTES", 1 << 20)
    monkeypatch.setattr(retention, "KEPT_BYTES", 1 << 19)
    monkeypatch.setattr(retention, "COPIED_BYTES", 1 << 19)
    log = tmp_path / "log"
    log.write_text("".join(f"line {number}\n" for number in range(300_000)))
    return log


def test_a_hole_moves_nothing(long_log: Path) -> None:
    reader = LogReader(long_log)
    count, last = 0, ""
    while reader.behind_bytes():
        lines, last = reader.count_new()
        count += lines
    assert (count, last) == (300_000, "line 299999")
    before = long_log.read_bytes()[-(1 << 18) :]
    until_byte = retention.excess(long_log)
    assert retention.give_back(long_log, until_byte)
    assert on_disk(long_log) <= 1 << 20
    assert long_log.read_bytes()[-(1 << 18) :] == before
    with long_log.open("a") as log:
        log.write("one more\n")
    assert list(reader.new_lines()) == ["one more"]
    # Beyond what is left: the line that was cut is no line.
    shown = files.tail(long_log, 1_000_000)
    assert shown[-1] == "one more"
    assert shown[:-1] == [f"line {n}" for n in range(300_000 - len(shown) + 1, 300_000)]


def test_where_no_hole_can_be_made_the_end_is_kept(
    long_log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "_punch", lambda handle, until: False)
    reader = LogReader(long_log)
    reader.skip()
    assert not retention.give_back(long_log, retention.excess(long_log))
    assert long_log.stat().st_size <= 1 << 19
    assert files.tail(long_log, 1) == ["line 299999"]
    reader.skip()
    with long_log.open("a") as log:
        log.write("one more\n")
    assert list(reader.new_lines()) == ["one more"]


def test_a_file_system_that_can_not_is_told_from_one_that_fails(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    try:
        with pytest.raises(OSError, match="Illegal seek") as caught:
            retention._punch(writer, 4096)
        assert caught.value.errno == errno.ESPIPE
    finally:
        os.close(reader)
        os.close(writer)
