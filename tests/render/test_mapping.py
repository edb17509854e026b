# ruff: noqa: RUF001 - the dashes that users see
"""The card of a map, and its line."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from aim_jupyter.render.mapping import eta, map_card, map_line
from aim_jupyter.work.records import Look
from tests.render.pages import Page
from tests.render.runs import LOOK, RUN


def with_run(**changes: object) -> Look:
    return replace(LOOK, run=replace(RUN, **changes))


def test_counts_rate_and_what_is_left_are_told() -> None:
    card = map_card(LOOK)
    assert "400 done · 3 failed · 597 left of 1,000 rows" in card.text
    assert "failures: timeout 3" in card.text
    assert "6.7 rows/s" in card.text
    assert 'aria-valuenow="40"' in card.html
    assert map_line(LOOK) == (
        "map m-1a2b: 400 of 1,000 rows · 3 failed · 6.7 rows/s"
        " · about 1 min 20 s to 1 min 40 s left"
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"state": "done"}, ""),
        ({"state": "waiting"}, "waiting for the server"),
        ({"eta_s": None}, "– , measuring"),
        ({"eta_s": (90.0, 90.0)}, "about 1 min 30 s left"),
    ],
)
def test_what_is_left_is_a_band_or_the_reason_why_there_is_none(
    changes: dict[str, object], said: str
) -> None:
    found = eta(replace(LOOK, **changes))
    assert found.replace(" ", "") == said.replace(" ", "")


def test_a_stopped_one_says_what_is_kept_and_a_done_one_shows_no_rows_any_more() -> None:
    stopped = map_card(replace(LOOK, state="stopped"))
    assert "Kept: 403 of 1,000 rows. Run the same to go on." in stopped.text
    assert "a text" in map_card(LOOK).text
    assert "a text" not in stopped.text


def test_what_the_rows_hold_is_no_markup() -> None:
    hostile = replace(LOOK, last=((1, "<script>", "\x1b[31m", 1.0),))
    card = map_card(hostile)
    assert "<script>" not in card.html
    assert "\x1b[31m" not in card.terminal
    assert "<script>" in Page(card.html).text


def test_a_table_without_rows_is_done() -> None:
    card = map_card(replace(with_run(rows=0, done=0, failed=0), state="done", last=()))
    assert 'aria-valuenow="100"' in card.html
    assert "no failures" in map_card(replace(LOOK, causes={})).text
