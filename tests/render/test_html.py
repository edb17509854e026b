"""The parts that cards are built of, as HTML that is safe to show."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.render.html import Html, code_box, escape, join, log, prose, tag
from tests.render.pages import Page


@given(st.text())
def test_escape_leaves_no_markup_and_no_way_out_of_an_attribute(text: str) -> None:
    escaped = escape(text)
    assert not set(escaped) & set("<>\"'")
    assert Page(tag("p", text, aria_label=text)).named("p")


def test_what_is_html_already_is_not_escaped_again() -> None:
    inner = tag("b", "a < b")
    assert inner == "<b>a &lt; b</b>"
    assert tag("p", inner) == "<p><b>a &lt; b</b></p>"
    assert isinstance(join("x", inner), Html)


def test_formatting_html_into_text_makes_it_text_again() -> None:
    """Only `tag` and `join` make HTML: a slip shows as visible escapes, never as markup."""
    assert tag("p", f"{tag('b', 'x')}") == "<p>&lt;b&gt;x&lt;/b&gt;</p>"


def test_code_between_backticks_is_escaped_too() -> None:
    assert "<i>" not in prose("see `<i>` and <i>")
    assert Page(prose("a `b` c")).named("code")[0].text == "b"


@pytest.mark.parametrize("mark", ["--gpus 4", "", "not in it", "<b>"])
def test_the_marked_part_of_a_command_stays_text(mark: str) -> None:
    line = "%aim launch <b> --gpus 4"
    assert Page(code_box(line, mark)).named("pre")[0].text == line


def test_a_log_opens_at_its_end_and_stays_text() -> None:
    shown = log(["first", "<b>last</b>"])
    assert "column-reverse" in shown
    assert "<b>" not in shown
    assert shown.index("first") < shown.index("last"), "who copies it has it in its order"
