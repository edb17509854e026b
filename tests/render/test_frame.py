"""A table of a verb."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.render.frame import MISSING, frame_html, frame_text
from tests.render.pages import Page

HEADS = ["server", "state", "gen_tok_s", "reason"]
NUMERIC = [False, False, True, False]
ROWS = [["demo", "running", "412.0", None], ["qwen3-8b", "failed", None, "no room"]]


def test_the_first_column_names_the_rows_and_what_is_missing_says_so() -> None:
    page = Page(frame_html(HEADS, NUMERIC, ROWS))
    assert [each.text for each in page.named("th")] == [*HEADS, "demo", "qwen3-8b"]
    assert [each.text for each in page.named("td")] == [
        "running", "412.0", MISSING, "failed", MISSING, "no room",
    ]  # fmt: skip


def test_a_terminal_shows_what_it_has_room_for_and_names_the_rest() -> None:
    wide = frame_text(HEADS, NUMERIC, ROWS, 200)
    assert wide.splitlines()[1].split() == ["demo", "running", "412.0", MISSING]
    narrow = frame_text(HEADS, NUMERIC, ROWS, 20).splitlines()
    assert narrow[0].split() == ["server", "state"]
    assert narrow[-1] == "and 2 columns more: gen_tok_s, reason"
    assert frame_text(HEADS, NUMERIC, [], 200).endswith("no rows")


def test_of_many_columns_a_few_are_named() -> None:
    heads = [f"c{n}" for n in range(12)]
    last = frame_text(heads, [False] * 12, [], 1).splitlines()[-1]
    assert last == "and 10 columns more: c2, c3, c4, c5, …"


@given(st.text(max_size=20))
def test_no_value_is_markup_or_a_code(value: str) -> None:
    page = Page(frame_html(["a", "b"], [False, False], [["x", value]]))
    assert len(page.named("td")) == 1
    shown = frame_text(["a", "b"], [False, False], [["x", value]], 80)
    assert "\x1b" not in shown
    assert len(shown.splitlines()) <= 2
