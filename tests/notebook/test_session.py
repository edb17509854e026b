"""A line comes in, its answer is shown."""

from __future__ import annotations

import pandas as pd
import pytest

from aim_jupyter.core.errors import BadUsage
from aim_jupyter.notebook import session as ours
from tests.conftest import FakeEngine
from tests.notebook.cells import Session


def test_a_body_is_never_interpolated(session: Session, fake: FakeEngine) -> None:
    fake()
    session.run("server = %aim launch demo")
    session.run("%aim wait")
    shown = session.run("%%aim chat\nuse {server} and $HOME")
    assert "text/markdown" in shown.outputs[-2].data
    magics = session.shell.magics_manager.magics["line"]["aim"].__self__.session.outcomes
    assert (
        magics._conversations["demo"].messages[-1]["content"] == "You said: use {server} and $HOME"
    )


def test_the_line_is_interpolated(session: Session, fake: FakeEngine) -> None:
    fake()
    session.run("name = 'mine'")
    session.run("server = %aim launch demo --name {name}")
    assert session.shell.user_ns["server"].name == "mine"
    session.run("%aim wait")


def test_help_names_every_verb_and_explains_one(session: Session) -> None:
    text = session.run("%aim help").stdout
    for verb in ("gpus", "recipes", "launch", "client", "chat", "metrics", "cache", "logs", "stop"):
        assert f"%aim {verb}" in text
    assert "--idle" in session.run("%aim help launch").stdout
    assert "--idle" in session.run("%aim launch --help").stdout


def test_a_comment_is_no_argument(session: Session) -> None:
    session.run("%aim gpus  # what is here?")
    assert isinstance(session.value, pd.DataFrame)


@pytest.mark.parametrize(
    ("cell", "hint"),
    [
        ("%aim serve demo", "%aim launch"),
        ("%%aim gpus\nbody", "%aim gpus"),
    ],
)
def test_what_is_for_another_place_says_which(session: Session, cell: str, hint: str) -> None:
    error, said = session.fails(cell)
    assert isinstance(error, BadUsage)
    assert error.hint == hint
    assert hint in said


def test_the_panel_is_a_line_where_there_are_no_widgets(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ours, "find_spec", lambda _: None)
    assert session.run("%aim panel demo").stdout == "%aim launch demo\n"
