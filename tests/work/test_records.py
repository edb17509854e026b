"""What a run is."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from aim_jupyter.work.records import Served, digest
from tests.render.runs import RUN

SERVED = Served(model="demo", engine="vllm", engine_version="0.32.0", options={"a": "1", "b": "2"})


def test_what_was_not_asked_is_left() -> None:
    assert RUN.left == 1000 - 400 - 3
    assert replace(RUN, done=997).left == 0


def test_whatever_can_change_an_answer_changes_the_name_of_what_answers() -> None:
    others = [
        replace(SERVED, model="other"),
        replace(SERVED, revision="1"),
        replace(SERVED, engine_version="0.33.0"),
        replace(SERVED, options={"a": "2", "b": "2"}),
    ]
    assert len({one.record for one in (SERVED, *others)}) == 5
    assert len(SERVED.record) == 12
    assert SERVED.record == replace(SERVED, options={"b": "2", "a": "1"}).record


@settings(max_examples=25)
@given(st.dictionaries(st.text(), st.integers(), max_size=5))
def test_a_name_does_not_depend_on_the_order_of_keys(data: dict[str, int]) -> None:
    backwards = dict(reversed(data.items()))
    assert digest(data) == digest(backwards)


def test_two_parts_are_not_taken_for_one() -> None:
    assert digest("a", "b") != digest("ab")
    assert digest(["a"], "b") != digest("a", ["b"])
