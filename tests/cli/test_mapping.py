"""A map from a terminal: a file in, a file out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from aim_jupyter.cli import mapping
from aim_jupyter.commands import parsing
from aim_jupyter.core.errors import BadUsage
from tests.conftest import FakeEngine
from tests.waiting import launch_ready


def given(line: str) -> Any:
    return parsing.parse(parsing.split(line))[1]


def test_without_a_file_to_write_the_line_is_shown(tmp_path: Path) -> None:
    with pytest.raises(BadUsage, match="There is no file to write") as caught:
        mapping.mapped(given(f"map {tmp_path}/rows.csv"))
    assert "answers.csv" in caught.value.hint


def test_rows_come_out_with_their_answers(fake: FakeEngine, tmp_path: Path) -> None:
    fake()
    launch_ready()
    (tmp_path / "rows.csv").write_text("text\na\nb\n")
    mapping.mapped(given(f"map {tmp_path}/rows.csv {tmp_path}/out.csv 'Kind? {{text}}'"))
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert lines[0].startswith("text,answer,")
    assert [line.split(",")[:2] for line in lines[1:]] == [
        ["a", "You said: Kind? a"],
        ["b", "You said: Kind? b"],
    ]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(BadUsage, match=r"rows\.csv"):
        mapping.mapped(given(f"map {tmp_path}/rows.csv {tmp_path}/out.csv 'x {{a}}'"))
