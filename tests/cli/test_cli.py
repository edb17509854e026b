"""The command: what it prints, and how it ends."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from aim_jupyter import cli


def test_an_expected_failure_is_two_lines_or_one_object(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["stop", "none"]) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert len(shown.err.strip().splitlines()) == 2
    assert cli.main(["stop", "none", "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["kind"] == "UnknownName"
    assert "none" in told["error"]


def test_a_wrong_word_is_another_code_and_help_is_none(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert cli.main(["lauch"]) == cli.WRONG
    assert "launch" in capsys.readouterr().err
    assert cli.main(["--help"]) == 0
    assert "aim-engine" in capsys.readouterr().out


def test_what_stands_after_two_dashes_is_no_option_of_ours(
    capsys: pytest.CaptureFixture[str],
) -> None:
    cli.main(["stop", "--", "--json"])
    assert capsys.readouterr().out == ""


def test_an_answer_is_rows_or_values(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["engines"]) == 0
    assert "notebook" in capsys.readouterr().out
    assert cli.main(["engines", "--json"]) == 0
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert lines


def test_without_utf8_and_without_a_home_it_still_answers(isolated: object) -> None:
    code = "from aim_jupyter import cli; raise SystemExit(cli.main([]))"
    kept = {name: value for name, value in os.environ.items() if name != "HOME"}
    environment = {**kept, "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii", "LC_ALL": "C"}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("aim")
    assert "GPUs     None found: this machine has no AMD GPU device." in done.stdout
