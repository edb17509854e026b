"""Reading numbers out of a config that may lie or lack them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core.checkpoint.fields import MOST, Fields, Unreadable

VALUES = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.none())


def test_the_first_name_that_says_something_counts_and_is_remembered() -> None:
    fields = Fields({"a": None, "b": 3, "c": 4})
    assert fields.size("a", "b", "c") == 3
    assert fields.asked == {"a", "b", "c"}
    assert not fields.has("a")


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (None, "a is missing"),
        (True, "not a whole number"),
        (1.0, "not a whole number"),
        ("7", "not a whole number"),
        (0, "which can't be"),
        (MOST + 1, "which can't be"),
        pytest.param(10**5000, "more than 18 digits", id="huge"),
        ([1], "a list"),
    ],
)
def test_what_is_no_size_is_refused_in_a_few_words(value: Any, said: str) -> None:
    with pytest.raises(Unreadable, match=said) as caught:
        Fields({"a": value}).size("a")
    assert len(str(caught.value)) < 100


def test_defaults_stand_in_only_for_what_is_not_there() -> None:
    assert Fields({}).size("a", default=5) == 5
    assert Fields({"a": 0}).amount("a", default=5) == 0
    assert Fields({}).optional("a") is None
    assert Fields({}).flag("a", default=True) is True
    assert Fields({}).text("a", default="x") == "x"
    assert Fields({}).texts("a") == ()
    assert Fields({}).part("a") is None


def test_each_kind_is_only_itself() -> None:
    fields = Fields({"flag": 1, "text": 1, "texts": ["a", 1], "numbers": [1, True], "part": []})
    for read in (fields.flag, fields.text, fields.texts, fields.numbers, fields.part):
        with pytest.raises(Unreadable):
            read(read.__name__)
    with pytest.raises(Unreadable, match="config is not an object"):
        Fields([])  # type: ignore[arg-type]


@given(VALUES)
def test_a_value_is_of_its_kind_or_refused(value: Any) -> None:
    fields = Fields({"a": value})
    for read, kind in ((fields.size, int), (fields.flag, bool), (fields.text, str)):
        try:
            found = read("a")
        except Unreadable:
            continue
        assert type(found) is kind
