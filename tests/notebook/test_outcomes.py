"""How a notebook shows what a verb has answered."""

from __future__ import annotations

import pandas as pd
import pytest

from aim_jupyter.core.errors import AimError, BadUsage, UnknownName
from tests.conftest import FakeEngine
from tests.notebook.cells import Session
from tests.waiting import launch_ready


def test_a_table_is_a_frame_with_its_card_below(session: Session) -> None:
    shown = session.run("%aim gpus")
    assert isinstance(session.value, pd.DataFrame)
    assert list(session.value.columns[:3]) == ["gpu", "pci", "model"]
    assert "None found" in shown.outputs[-1].data["text/plain"]


@pytest.mark.parametrize("cell", ["df = %aim gpus", "%aim gpus;"])
def test_a_kept_or_silenced_table_shows_nothing(session: Session, cell: str) -> None:
    shown = session.run(cell)
    assert (shown.stdout, shown.outputs) == ("", [])


def test_a_table_in_a_longer_cell_shows_no_card(session: Session) -> None:
    shown = session.run("df = %aim gpus\nlen(df)")
    assert session.value == 0
    assert all("None found" not in str(output.data) for output in shown.outputs)


def test_launch_as_the_last_line_shows_one_card_only(session: Session, fake: FakeEngine) -> None:
    fake()
    shown = session.run("%aim launch demo")
    cards = [output for output in shown.outputs if "text/html" in output.data]
    assert len(cards) == 1
    session.run("%aim wait")


def test_a_chat_goes_on_from_cell_to_cell(session: Session, fake: FakeEngine) -> None:
    fake()
    session.run("server = %aim launch demo")
    session.run("%aim wait")
    shown = session.run("%%aim chat\nhello there")
    texts = [output.data["text/plain"] for output in shown.outputs]
    assert texts[-2] == "You said: hello there"
    assert "4 tokens" in texts[-1]
    session.run("%%aim chat\nand again")
    magics = session.shell.magics_manager.magics["line"]["aim"].__self__.session.outcomes
    assert [message["role"] for message in magics._conversations["demo"].messages] == [
        *("user", "assistant", "user", "assistant")
    ]
    session.run("%%aim chat --new --system 'Be short'\nonce more")
    assert len(magics._conversations["demo"].messages) == 3


@pytest.mark.parametrize(
    ("line", "kind", "hint"),
    [
        ("metrics --serve-metrics", BadUsage, "aim-engine metrics --serve-metrics"),
        ("top --off", BadUsage, "%aim top"),
        ('map nothing "x {a}"', UnknownName, None),
    ],
)
def test_what_a_notebook_can_not_show_says_what_to_do(
    session: Session, line: str, kind: type[AimError], hint: str | None
) -> None:
    error, _ = session.fails(f"%aim {line}")
    assert isinstance(error, kind)
    assert hint is None or error.hint == hint


def test_a_chat_without_a_word_says_where_to_write_it(session: Session, fake: FakeEngine) -> None:
    fake()
    launch_ready()
    error, _ = session.fails("%aim chat")
    assert isinstance(error, BadUsage)
    assert error.hint == "%aim chat --say Hello"


def test_a_client_is_handed_out_and_an_asynchronous_one_where_that_is_said(
    session: Session, fake: FakeEngine
) -> None:
    fake()
    launch_ready()
    session.run("made = %aim client")
    assert repr(session.shell.user_ns["made"]).startswith("OpenAI(")
    session.run("made = %aim client --async")
    assert repr(session.shell.user_ns["made"]).startswith("AsyncOpenAI(")
