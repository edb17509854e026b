"""The lines of an engine's log that are worth reading."""

from __future__ import annotations

from pathlib import Path

from aim_jupyter.core import adapters
from aim_jupyter.core.serving.crash import lines

LOG = adapters.get("vllm").log


def read(tmp_path: Path, raw: bytes) -> lines.Read:
    log = tmp_path / "engine.log"
    log.write_bytes(raw)
    return lines.last(log, LOG)


def test_heads_are_taken_off_and_numbers_are_those_of_the_file(tmp_path: Path) -> None:
    head = b"(EngineCore pid=7) ERROR 11-23 19:44:56 [core.py:1] "
    found = read(tmp_path, b"first\n" + head + b"ValueError: odd\n")
    assert found.total == 2
    first, second = found.lines
    assert (first.number, first.text, first.stream) == (1, "first", "")
    assert (second.number, second.text) == (2, "ValueError: odd")
    assert (second.severity, second.process, second.stream) == (
        "ERROR", "EngineCore", "EngineCore 7"
    )  # fmt: skip


def test_a_hole_that_was_given_back_to_the_disk_reads_as_nothing(tmp_path: Path) -> None:
    found = read(tmp_path, b"\0" * 5000 + b"the end")
    assert [line.text for line in found.lines] == ["the end"]


def test_only_the_end_of_a_long_log_is_read(tmp_path: Path) -> None:
    found = read(tmp_path, b"".join(b"line %d\n" % at for at in range(lines.SEARCHED + 10)))
    assert (len(found.lines), found.total) == (lines.SEARCHED, lines.SEARCHED + 10)
    assert found.lines[0] == lines.Line(11, "line 10")


def test_a_failure_far_before_the_end_is_found_with_its_number(tmp_path: Path) -> None:
    log = tmp_path / "engine.log"
    log.write_bytes(b"before\nOddError: wide\n" + b"chatter\n" * 9000)
    found = lines.further(log, LOG)
    assert found.lines[1] == lines.Line(2, "OddError: wide")
    log.write_bytes(b"chatter\n" * 9000)
    assert lines.further(log, LOG) == lines.Read([], 0)
