"""The card of a map: what it says while it goes, when it was stopped, and when it is done."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from aim_jupyter.render import map_card, map_line, words
from aim_jupyter.render.mapping import eta, rate
from aim_jupyter.work.records import Look
from tests.render.pages import Page
from tests.render.runs import MAPS

LOOK = MAPS["map, running"]
RUN, SERVED = LOOK.run, LOOK.run.served


def said(look: Look) -> str:
    """Return all words of the card, which are the same with and without HTML."""
    card = map_card(look)
    page = Page(card.html)
    return " ".join(" ".join(page.words).split())


def test_a_map_that_runs_says_how_far_it_is_how_quick_and_what_fails() -> None:
    page = said(LOOK)
    for each in (
        "1,204 done",
        "3 failed",
        "3,793 left of 5,000 rows",
        "about 6 to 8 min left",
        "9.0 rows/s",
        "4,320 tok/s",
        "577,920 so far, 479 a row",
        "0.04 GPU hours",
        "24 Wh so far, about 0.17 at the end",
        "44 at once: KV cache 92 %, 6 waiting, nothing preempted; 48 at most so far",
        "%aim runs stop m-7f3a",
        "The nurse <b>took</b> her time",
        "too long 2",
        "Qwen/Qwen3-32B @ 9216db5",
        f"record {SERVED.record}",
    ):
        assert each in page, each


def test_the_terminal_says_the_same() -> None:
    text = map_card(LOOK).terminal
    for each in ("1,204 done · 3 failed", "9.0 rows/s", "24 Wh", "44 at once", "too long 2"):
        assert each in text, each


def test_one_that_was_stopped_says_what_is_kept() -> None:
    page = said(replace(LOOK, state="stopped"))
    assert "Kept: 1,207 of 5,000 rows. Run the same again to go on." in page
    assert "44 under way were dropped and are asked again. 3 failed and stay failed." in page
    assert "rows/s" not in page
    assert "0.04 GPU hours · 24 Wh" in page


def test_one_that_is_done_says_what_it_took() -> None:
    run = replace(RUN, done=4993, failed=7, sittings=2, took_s=566.0)
    page = said(replace(LOOK, state="done", run=run))
    assert "9 min 26 s in 2 sittings" in page
    assert "577,920 tokens in, 288,960 out · failures: too long 2, not valid 1" in page
    assert "left of 5,000 rows" in page


def test_without_a_gpu_nothing_is_said_of_one() -> None:
    assert "GPU" not in said(replace(LOOK, run=replace(RUN, gpu_hours=None, energy_wh=None)))


def test_a_line_holds_it_all() -> None:
    line = "map m-7f3a: 1,204 of 5,000 rows · 3 failed · 9.0 rows/s · about 6 to 8 min left"
    assert map_line(LOOK) == line


@pytest.mark.parametrize(
    ("look", "left"),
    [
        (replace(LOOK, eta_s=None), f"{words.UNKNOWN}, measuring"),
        (replace(LOOK, state="waiting"), "waiting for the server"),
        (replace(LOOK, state="done"), ""),
        (replace(LOOK, eta_s=(58.0, 61.0)), "about 60 s left"),
        (replace(LOOK, eta_s=(58.0, 190.0)), "about 60 s to 3 min left"),
        (replace(LOOK, eta_s=(5000.0, 9000.0)), "about 83 min to 2.5 h left"),
    ],
)
def test_what_is_left_is_a_band_or_why_there_is_none(look: Look, left: str) -> None:
    assert eta(look) == left


def test_a_rate_has_as_many_digits_as_say_something() -> None:
    assert [rate(each) for each in (None, 0.72, 9.04, 1234.5)] == [
        words.UNKNOWN,
        "0.7",
        "9.0",
        "1,234",
    ]


def test_what_the_rows_hold_is_no_markup() -> None:
    card = map_card(replace(LOOK, last=((1, "<script>", "\x1b[31m", 1.0),)))
    assert "<script>" not in card.html
    assert "\x1b[31m" not in card.terminal
    assert "<script>" in Page(card.html).text


def test_a_table_without_rows_is_done() -> None:
    run = replace(RUN, rows=0, done=0, failed=0)
    assert "0 left of 0 rows" in said(replace(LOOK, run=run, state="done", last=(), causes={}))
