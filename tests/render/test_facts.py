"""Named facts: as rows of a card and as lines of its text."""

from __future__ import annotations

from aim_jupyter.render import facts
from aim_jupyter.render.facts import Fact
from tests.render.pages import Page

FACTS = [
    Fact(name="Cause", said="the file `a.json` is <odd>"),
    Fact(name="Line", said="one\ntwo", kind="log", notes=("line 7",)),
    Fact(name="Try", said="%aim launch demo --util 0.8", kind="command", mark="--util 0.8"),
]


def test_rows_and_lines_say_the_same() -> None:
    page = Page(facts.rows(FACTS, width=100, gap=8))
    assert [each.text for each in page.named("th")] == ["Cause", "Line", "Try"]
    assert "the file a.json is <odd>" in page.text
    lines = facts.lines(FACTS)
    assert lines[0] == "Cause  the file a.json is <odd>"
    assert [line.strip() for line in lines[1:4]] == ["Line   one", "two", "line 7"]


def test_a_command_is_marked_and_selected_by_one_click() -> None:
    drawn = facts.rows(FACTS[2:], width=100, gap=8)
    assert "user-select:all" in drawn
    marked = [each.text for each in Page(drawn).named("span")]
    assert marked == ["--util 0.8"]


def test_without_facts_there_is_nothing() -> None:
    assert facts.lines([]) == []
    assert Page(facts.rows([], width=100, gap=8)).text == ""
