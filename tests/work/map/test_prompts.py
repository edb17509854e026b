"""From rows to messages: what a template takes, and what a row can be asked."""

from __future__ import annotations

import base64
import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core.errors import BadUsage, UnknownName
from aim_jupyter.work.map.prompts import Prompts, Template, Unaskable

PNG = b"\x89PNG\r\n\x1a\n"


def test_a_template_takes_values_as_they_are_braces_included() -> None:
    made = Prompts("Kind? {text} {{really}}", ["text"])
    assert made.of({"text": "a {b} }"}) == [{"role": "user", "content": "Kind? a {b} } {really}"}]


def test_messages_and_functions_are_prompts_too() -> None:
    turns = Prompts(
        [{"role": "system", "content": "Short."}, {"role": "user", "content": "{a}"}], ["a"]
    )
    assert [turn["content"] for turn in turns.of({"a": 3})] == ["Short.", "3"]
    made = Prompts(lambda row: f"{row['a']}!", ["a"])
    assert made.of({"a": 3})[0]["content"] == "3!"
    assert "row['a']" in made.text


@pytest.mark.parametrize("nothing", [None, math.nan])
def test_a_missing_value_is_said_not_asked(nothing: object) -> None:
    with pytest.raises(Unaskable, match="no value: text"):
        Prompts("{text}", ["text"]).of({"text": nothing})


def test_a_value_cannot_reach_into_the_program() -> None:
    with pytest.raises(UnknownName):
        Template("{text.__class__}", ["text"])


def test_a_wrong_column_names_the_nearest() -> None:
    with pytest.raises(UnknownName, match=r"Nearest: text\."):
        Prompts("{txt}", ["text", "id"])


def test_what_a_function_raises_is_about_its_row() -> None:
    with pytest.raises(Unaskable, match="ZeroDivisionError"):
        Prompts(lambda row: 1 / row["a"], ["a"]).of({"a": 0})


def test_pictures_go_with_the_last_message() -> None:
    made = Prompts("What is it? {name}", ["name", "picture"], ["picture"])
    [message] = made.of({"name": "x", "picture": PNG})
    url = message["content"][0]["image_url"]["url"]
    assert base64.b64decode(url.partition(",")[2]) == PNG
    with pytest.raises(Unaskable, match="no PNG"):
        made.of({"name": "x", "picture": b"text"})
    with pytest.raises(Unaskable, match="can't be read"):
        made.of({"name": "x", "picture": "/nowhere/x.png"})


@given(st.text(), st.one_of(st.none(), st.text(), st.integers(), st.floats(), st.binary()))
def test_any_template_and_value_gives_messages_or_says_why(text: str, value: object) -> None:
    with contextlib.suppress(BadUsage, UnknownName, Unaskable):
        assert isinstance(Prompts(text, ["a"]).of({"a": value})[0]["content"], str)
