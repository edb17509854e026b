"""What engines used to call things."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from aim_jupyter.core.recipes.arguments.renamed import Former, table


@pytest.mark.parametrize(
    ("template", "filled"),
    [
        (None, 8),
        ("{}", 8),
        ("fixed", "fixed"),
        ({"a": {"b": "{}", "c": True}}, {"a": {"b": 8, "c": True}}),
    ],
)
def test_the_successor_is_given_what_the_old_one_was(template: Any, filled: Any) -> None:
    assert Former(use="new", value=template).fill(8) == filled


def test_a_word_that_no_entry_has_is_told() -> None:
    with pytest.raises(msgspec.ValidationError, match="usee"):
        msgspec.convert({"usee": "x"}, Former)


def test_no_successor_is_itself_gone() -> None:
    known = table()
    for gone in (known.option, known.variable):
        assert not [name for name, former in gone.items() if former.use in gone and former.use]


def test_what_is_kept_of_a_contradiction_is_not_what_is_dropped() -> None:
    for one in table().contradiction:
        assert one.why
        assert one.drop or one.drop_variable, one.keep
        assert one.keep not in (one.drop, one.drop_variable)
