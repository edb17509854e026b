"""How a map shows itself where it was called from Python."""

from __future__ import annotations

import sys
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from aim_jupyter.verbs import progress
from tests.render.runs import LOOK


def test_a_terminal_is_written_over_until_it_has_ended(
    capsys: pytest.CaptureFixture[str],
) -> None:
    show = progress.InTerminal()
    show(LOOK)
    first = capsys.readouterr().err
    assert first.startswith("\r\x1b[K")
    assert "\n" not in first
    show(replace(LOOK, state="done"))
    assert capsys.readouterr().err.endswith("\n")


def test_a_notebook_has_one_card_that_is_replaced() -> None:
    shown: list[tuple[str, Any]] = []
    handle = SimpleNamespace(update=lambda bundle, **_: shown.append(("update", bundle)))

    def display(bundle: dict[str, str], **_: object) -> object:
        shown.append(("new", bundle))
        return handle

    card = progress.InNotebook(SimpleNamespace(display=SimpleNamespace(display=display)))
    card(LOOK)
    card(replace(LOOK, state="done"))
    assert [how for how, _ in shown] == ["new", "update"]
    assert set(shown[1][1]) == {"text/plain", "text/html"}


def test_where_nobody_looks_nothing_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", None)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False)
    assert progress.shower() is None
    monkeypatch.setattr(sys.stderr, "isatty", lambda: True)
    assert isinstance(progress.shower(), progress.InTerminal)
