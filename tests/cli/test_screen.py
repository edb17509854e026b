"""A view in a terminal that is renewed in place until it is left."""

from __future__ import annotations

import os
import pty
import sys
import termios

import pytest

from aim_jupyter.cli import screen
from aim_jupyter.core import api
from aim_jupyter.render import text as t


def test_a_line_that_is_too_long_is_cut_without_its_colours() -> None:
    assert screen._cut("short", 10) == "short"
    bold = t.bold("a" * 20)
    assert screen._cut(bold, 20) == bold
    assert screen._cut(bold, 10) == "a" * 9 + "…"
    assert screen._cut("abc", 0) == "…"


def test_the_last_picture_stays_when_it_is_interrupted(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(_: float) -> bool:
        raise KeyboardInterrupt

    monkeypatch.setattr(screen, "_only_wait", interrupted)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False)
    screen.live(lambda _: "picture", api.top())
    shown = capsys.readouterr().out
    assert screen._ENTER in shown
    assert shown.endswith(f"{screen._LEAVE}picture\n")


def test_q_leaves_and_the_keyboard_is_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(theirs, "r") as keyboard:
        monkeypatch.setattr(sys, "stdin", keyboard)
        before = termios.tcgetattr(theirs)
        with screen._keys() as pressed:
            assert not pressed(0.01)
            os.write(ours, b"xq")
            assert pressed(60)
        assert termios.tcgetattr(theirs) == before
    os.close(ours)
