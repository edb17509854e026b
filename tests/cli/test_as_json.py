"""What a verb prints for programs: JSON, one value or one a line."""

from __future__ import annotations

import json
from argparse import Namespace

import pytest

from aim_jupyter.cli import as_json
from aim_jupyter.commands import looks


def test_json_is_one_value_a_line_and_its_lines_are_typed_in_a_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    as_json.show(looks.LINES, Namespace(), ["a", "b"])
    assert capsys.readouterr().out == '{"line":"a"}\n{"line":"b"}\n'
    as_json.show(looks.ANSWERS, Namespace(), [{"try": "%aim launch demo"}])
    assert capsys.readouterr().out == '{"try":"aim-engine launch demo"}\n'
    as_json.show(looks.PS, Namespace(), [])
    assert capsys.readouterr().out == "[]\n"


def test_help_is_that_of_the_command(capsys: pytest.CaptureFixture[str]) -> None:
    as_json.show(looks.HELP, Namespace(), ["launch"])
    text = json.loads(capsys.readouterr().out)["help"]
    assert text.startswith("usage: aim-engine launch")
    assert "%aim" not in text
