"""The table of the commonest mistakes is what the program answers."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

import aim_jupyter as aim
from aim_jupyter.cli import main
from aim_jupyter.core.errors import BadUsage
from tests.conftest import FakeEngine

PAGE = Path(__file__).parents[1] / "docs/mistakes.md"
TABLE = re.findall(r"^\| `%aim (.+)` \| `%aim (.+)` \|$", PAGE.read_text(), re.MULTILINE)


def test_there_are_twenty() -> None:
    assert len(TABLE) >= 20


@pytest.mark.parametrize(("typed", "answered"), TABLE, ids=[typed for typed, _ in TABLE])
def test_each_is_answered_with_its_line(
    fake: FakeEngine,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    answered: str,
) -> None:
    fake()
    monkeypatch.delenv("AIM_START")
    # What a shell would not pass on is said as one that is open.
    try:
        words = shlex.split(typed)
    except ValueError:
        pytest.skip("no shell takes it: tests/commands/test_parsing.py")
    assert main(words) != 0
    assert capsys.readouterr().err.splitlines()[-1] == f"Try: aim-engine {answered}"


def test_in_python_the_engines_own_stand_in_options() -> None:
    with pytest.raises(BadUsage) as caught:
        aim.launch("demo", max_num_seqs=4, user=2)  # type: ignore[call-arg]
    assert caught.value.hint == "aim.launch('demo', users=2, options={'max-num-seqs': 4})"
