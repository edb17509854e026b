"""Rows of a map, asked again."""

from __future__ import annotations

from typing import Any

import pytest

import aim_jupyter as aim
from aim_jupyter.core import api
from aim_jupyter.core.errors import BadUsage
from aim_jupyter.verbs import keeping
from aim_jupyter.work import runs
from aim_jupyter.work.map import drift as module
from aim_jupyter.work.map.drift import drift
from aim_jupyter.work.map.endpoints import Endpoint
from tests.conftest import FakeEngine
from tests.waiting import launch_ready

ROWS = [{"text": f"number {at}"} for at in range(30)]


def test_the_same_settings_answer_the_same(fake: FakeEngine) -> None:
    fake()
    launch_ready()
    aim.map(ROWS, "{text}")
    found = drift(runs.find(), count=10)
    assert len(found.rows) == 10
    assert all(row.same for row in found.rows)
    assert (found.agreement, found.changed, found.unit) == (1.0, (), "words")
    frame: Any = keeping.drift(rows=10)
    assert frame.agree_pct.tolist() == [100.0] * 10
    assert frame.index.tolist() == [row.row for row in found.rows], "always the same rows"


def test_another_answer_is_compared_from_its_beginning(fake: FakeEngine) -> None:
    fake()
    launch_ready()
    aim.map([{"text": "a b"}], "{text}")
    api.stop("demo")
    fake(accent="You wrote")
    launch_ready()
    (row,) = drift(runs.find()).rows
    assert (row.then, row.now, row.same) == ("You said: a b", "You wrote: a b", False)
    assert (row.agree, row.tokens) == (1, 4)


def test_tokens_are_the_engine_s_own_where_it_says_them(
    fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()
    launch_ready()
    aim.map([{"text": "a"}], "{text}")

    async def letters(_: Endpoint, __: str, text: str) -> list[str]:
        return list(text)

    monkeypatch.setattr(module, "_tokens", letters)
    found = drift(runs.find())
    assert (found.unit, found.rows[0].tokens) == ("tokens", len("You said: a"))


def test_what_is_not_answered_agrees_in_nothing(fake: FakeEngine) -> None:
    fake()
    launch_ready()
    aim.map([{"text": "a long row"}], "{text}")
    api.stop("demo")
    fake(longest=3)
    launch_ready()
    (row,) = drift(runs.find()).rows
    assert (row.agree, row.same) == (0, False)
    assert row.error


def test_answers_that_were_drawn_by_lot_are_no_drift(fake: FakeEngine) -> None:
    fake()
    launch_ready()
    aim.map(ROWS[:1], "{text}", sampling={"temperature": 0.7})
    with pytest.raises(BadUsage, match="drawn by lot"):
        drift(runs.find())
    aim.embed(["a"])
    with pytest.raises(BadUsage, match="no replies to compare"):
        drift(runs.find())
