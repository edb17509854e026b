"""What an answer has to be: read from what a user gives, checked, and laid out in columns."""

from __future__ import annotations

import enum
import json
from typing import Literal

import pydantic
import pytest

from aim_jupyter.core.errors import BadUsage
from aim_jupyter.work.map.schemas import Invalid, Schema


class Review(pydantic.BaseModel):
    label: Literal["kind", "unkind"]
    score: int = pydantic.Field(ge=1, le=5)
    note: str | None = None


class Mood(enum.Enum):
    GOOD = "good"
    BAD = "bad"


def test_a_model_gives_a_column_a_field() -> None:
    schema = Schema(Review)
    assert schema.fields == {"label": "string", "score": "integer", "note": "string"}
    assert schema.values('{"label": "kind", "score": 4}') == ("kind", 4, None)
    with pytest.raises(Invalid, match="score"):
        schema.values('{"label": "kind", "score": 9}')


def test_a_json_schema_does_the_same() -> None:
    schema = Schema(Review.model_json_schema())
    assert schema.values('{"label": "kind", "score": 4}') == ("kind", 4, None)
    for wrong in ('{"label": "kind"}', "no json", "[]", '{"label": 1, "score": 2}', "\ud800"):
        with pytest.raises(Invalid):
            schema.values(wrong)


@pytest.mark.parametrize("given", [["good", "bad"], Mood, Literal["good", "bad"]])
def test_choices_are_words(given: object) -> None:
    schema = Schema(given)
    assert schema.choices == ("good", "bad")
    assert schema.values(" bad\n") == ("bad",)
    with pytest.raises(Invalid, match="none of good, bad"):
        schema.values("so so")


def test_one_field_and_no_schema_give_one_column() -> None:
    assert Schema().fields == {"": "string"}
    one = Schema({"type": "object", "properties": {"n": {"type": "number"}}})
    assert one.fields == {"": "number"}
    assert one.values('{"n": 1.5}') == (1.5,)


def test_nested_and_mixed_fields_are_objects() -> None:
    class Outer(pydantic.BaseModel):
        inner: Review
        mood: Mood
        several: list[int]
        either: int | str

    assert Schema(Outer).fields == {
        "inner": "object", "mood": "string", "several": "object", "either": "object",
    }  # fmt: skip
    said = {"inner": {"label": "kind", "score": 1}, "mood": "bad", "several": [1], "either": "a"}
    assert Schema(Outer).values(json.dumps(said))[1:] == ("bad", [1], "a")


@pytest.mark.parametrize("given", [[], [1], 7, {"type": "nothing"}])
def test_what_is_no_schema_is_refused(given: object) -> None:
    with pytest.raises(BadUsage):
        Schema(given)
