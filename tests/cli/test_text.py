"""What a verb prints for people: tables without empty columns, and never nothing at all."""

from __future__ import annotations

from argparse import Namespace

import pytest

from aim_jupyter.cli import text
from aim_jupyter.commands import looks
from aim_jupyter.commands.looks import Look


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
