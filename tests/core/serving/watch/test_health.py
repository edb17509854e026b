"""Checks with limits: raised once, taken back once, and nothing on the edge."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core.serving.watch.health import Health, checks

HEAT = next(check for check in checks() if check.name == "temperature")


def told(figure: str, values: Sequence[float | None], step_s: float = 1.0) -> list[str]:
    """Return what is told of a figure that is looked at every `step_s` seconds."""
    health = Health()
    return [
        change.message
        for number, value in enumerate(values)
        for change in health.look({} if value is None else {figure: value}, number * step_s)
    ]


def test_each_check_has_one_bad_side_and_a_way_back() -> None:
    for check in checks():
        assert (check.above is None) != (check.below is None), check.name
        edge = check.above if check.above is not None else check.below
        assert edge is not None
        worse = edge + 1 if check.above is not None else edge - 1
        assert check.beyond(worse)
        assert not check.beyond(check.clear)
        assert check.within(check.clear)
        assert not check.within(worse)
        assert check.raised.format(value=worse)


def test_a_change_is_told_once_and_so_is_its_end() -> None:
    hot, cold = [104.0] * 60, [80.0] * 60
    assert told("temp_c", cold + hot + cold) == [
        "temperature: a GPU has 104 °C",
        "temperature: its GPUs have cooled down",
    ]


def test_a_short_peak_is_not_told() -> None:
    assert told("temp_c", [80.0, *[104.0] * 9, 80.0, *[104.0] * 9, 80.0]) == []


def test_between_the_limits_nothing_changes() -> None:
    assert told("temp_c", [95.0] * 100) == []
    assert len(told("temp_c", [104.0] * 20 + [95.0] * 100 + [104.0] * 50)) == 1


def test_what_is_not_known_changes_nothing() -> None:
    assert told("temp_c", [104.0] * 20 + [None] * 100) == ["temperature: a GPU has 104 °C"]


def test_it_says_how_long_it_was_bad() -> None:
    health = Health()
    assert health.look({"unanswered_s": 12.0}, 100.0)[0].level == "error"
    assert health.bad == ["endpoint"]
    (back,) = health.look({"unanswered_s": 0.0}, 160.0)
    assert (back.message, back.level, back.took_s) == ("endpoint: answers again", "info", 60.0)
    assert health.bad == []


@pytest.mark.parametrize(
    ("figure", "bad", "good"),
    [
        ("unanswered_s", 11.0, 0.0),
        ("unmeasured_s", 11.0, 0.0),
        ("processes_lost", 1, 0),
        ("stuck_waiting", 3, 0),
        ("kv_crowded_pct", 99.0, 0.0),
        ("memory_free_pct", 1.0, 20.0),
        ("disk_free_gib", 0.5, 100.0),
        ("temp_c", 105.0, 60.0),
    ],
)
def test_every_check_is_raised_and_taken_back(figure: str, bad: float, good: float) -> None:
    messages = told(figure, [good] * 100 + [bad] * 100 + [good] * 100)
    assert len(messages) == 2
    assert messages[0].partition(":")[0] == messages[1].partition(":")[0]


@given(values=st.lists(st.floats(0, 200), max_size=300))
def test_raised_and_cleared_take_turns(values: list[float]) -> None:
    messages = told("temp_c", values)
    assert all(
        message.endswith("°C") == (number % 2 == 0) for number, message in enumerate(messages)
    )
    # Each change takes its time: no figure can make more events than that.
    assert len(messages) <= len(values) / HEAT.after_s
