"""What a verb prints for people: tables without empty columns, and never nothing at all."""

from __future__ import annotations

import os
import re
import sys
from argparse import Namespace

import pexpect  # type: ignore[import-untyped]
import pytest

from aim_jupyter.cli import main, text
from aim_jupyter.commands import looks
from aim_jupyter.commands.looks import Look
from tests.conftest import FakeEngine
from tests.waiting import launch_ready


def test_columns_that_nothing_is_known_of_are_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    look = Look("some", rows=lambda _: [{"a": 1, "b": None, "c": ""}, {"a": 2, "b": None, "c": ""}])
    assert text.show(look, Namespace(), None) == 0
    assert capsys.readouterr().out.split() == ["a", "1", "2"]


def test_an_empty_table_without_a_card_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    text.show(looks.EVENTS, Namespace(), [])
    assert capsys.readouterr().out == "Nothing yet.\n"
    text.show(looks.PS, Namespace(), [])
    said = capsys.readouterr().out
    assert "No server yet." in said
    assert "%aim" not in said


def test_lines_are_printed_as_they_come(capsys: pytest.CaptureFixture[str]) -> None:
    def lines() -> object:
        yield "one"
        assert capsys.readouterr().out == "one\n"
        yield "two"

    text.show(looks.LINES, Namespace(), lines())
    assert capsys.readouterr().out == "two\n"


def shown(width: int, *words: str, **env: str) -> list[str]:
    """Return the lines that a real terminal of that width gets."""
    said, code = pexpect.run(
        " ".join([sys.executable, "-m", "aim_jupyter", *words]),
        timeout=120,
        withexitstatus=True,
        encoding="utf-8",
        env={**os.environ, "TERM": "xterm-256color", "COLUMNS": str(width), **env},
        dimensions=(40, width),
    )
    assert code == 0, said
    return str(said).splitlines()


def plain(line: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", line)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_a_table_is_as_wide_as_the_terminal(fake: FakeEngine, width: int) -> None:
    fake()
    launch_ready()
    lines = shown(width, "ps")
    assert max(len(plain(line)) for line in lines[:2]) <= width
    assert any("--wide shows them" in line for line in lines)
    assert not any("--wide" in line for line in shown(width, "ps", "--wide"))


def test_colour_is_left_out_where_the_user_says_so(fake: FakeEngine) -> None:
    fake()
    launch_ready()
    assert "\x1b[" in "".join(shown(80, "status", "demo"))
    assert "\x1b[" not in "".join(shown(80, "status", "demo", NO_COLOR="1"))


def test_a_pipe_gets_the_table_alone(fake: FakeEngine, capsys: pytest.CaptureFixture[str]) -> None:
    fake()
    launch_ready()
    assert main(["recipes", "demo"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[0] == "rank"
    assert all(line.split()[0].isdigit() for line in lines[1:])
