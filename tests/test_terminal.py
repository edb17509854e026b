"""The magics in a plain terminal: a real IPython behind a real pseudo-terminal."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pexpect  # type: ignore[import-untyped]
import pytest

from tests.conftest import FakeEngine

Run = Callable[[str], str]
PROMPT = re.compile(r"In \[\d+\]: $")


@pytest.fixture
def run(fake: FakeEngine, tmp_path: Path) -> Iterator[Run]:
    """Return a function that types a line and returns what the terminal says to it."""
    fake(gates={"boot": str(tmp_path / "booted")}, load_s=1.2, token_s=0.02)
    shell = pexpect.spawn(
        sys.executable,
        ["-m", "IPython", "--simple-prompt", "--no-banner", "--colors=NoColor"],
        env=dict(os.environ, TERM="dumb", COLUMNS="100"),
        encoding="utf-8",
        dimensions=(50, 100),
        timeout=120,
    )

    def said(line: str) -> str:
        shell.sendline(line)
        shell.expect(PROMPT)
        answer: str = shell.before.replace("\r\n", "\n")
        return answer.partition("\n")[2].strip()

    shell.expect(PROMPT)
    said("%load_ext aim_jupyter")
    yield said
    shell.close(force=True)


def test_a_terminal_is_readable_and_not_flooded(run: Run, tmp_path: Path) -> None:
    card = run("server = %aim launch")
    assert card.count("starting") == 1
    (tmp_path / "booted").touch()
    waited = run("%aim wait").splitlines()
    # A line a stage and the end, however often the state was read.
    assert 2 <= len(waited) <= 5
    assert "running · ready in" in waited[-2]
    assert "Server('demo', running" in waited[-1]

    reply, figures = run('%aim chat --say "How do I free a GPU?"').splitlines()
    assert reply == "You said: How do I free a GPU?"
    assert "tokens · first after" in figures

    gpus = run("%aim gpus")
    assert "None found: this machine has no AMD GPU device." in gpus
    recipes = run("%aim recipes")
    assert re.search(r"^demo +cpu-bf16-tp1 +FITS$", recipes, re.MULTILINE)
    for shown in (card, gpus, recipes):
        assert "\x1b" not in shown
        assert max(map(len, shown.splitlines())) <= 100
    assert "stopped after" in run("%aim stop")
