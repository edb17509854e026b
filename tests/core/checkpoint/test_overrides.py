"""What --hf-overrides changes in a config."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core.checkpoint.overrides import overridden

CONFIG = {"a": 1, "text_config": {"b": 2, "c": 3}}


def test_nested_values_are_changed_one_by_one_and_the_config_stays() -> None:
    found = overridden(CONFIG, {"text_config": {"b": 9}, "new": True})
    assert found == {"a": 1, "text_config": {"b": 9, "c": 3}, "new": True}
    assert CONFIG == {"a": 1, "text_config": {"b": 2, "c": 3}}
    assert overridden(CONFIG, {"text_config": None})["text_config"] is None


def test_as_text_it_means_the_same() -> None:
    changes = {"a": 2, "text_config": {"c": 0}}
    assert overridden(CONFIG, json.dumps(changes)) == overridden(CONFIG, changes)


@given(st.text())
def test_what_is_no_object_changes_nothing(text: str) -> None:
    found = overridden(CONFIG, text)
    assert found == CONFIG or text.strip().startswith("{")
    assert overridden(CONFIG, "[1]") == CONFIG
