"""A curve through measured points."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.render.curve import Point, _ticks, curve

NAMES = ("TTFT p95, ms", "tok/s")


@given(highest=st.floats(1e-6, 1e9))
def test_numbers_on_an_axis_are_round_and_reach_the_highest(highest: float) -> None:
    ticks = _ticks(highest)
    assert ticks[0] == 0.0
    assert ticks[-1] >= 0.999 * highest
    assert ticks[-1] <= 2.6 * highest


@given(points=st.lists(st.tuples(st.floats(0, 1e6), st.floats(0, 1e6)), min_size=1, max_size=20))
def test_every_point_lies_in_the_drawing(points: list[tuple[float, float]]) -> None:
    drawn = curve([Point(x, y, "p") for x, y in points], names=NAMES, label="a curve", ring=0)
    dots = re.findall(r'<circle cx="([-\d.]+)" cy="([-\d.]+)"', drawn)
    assert len(dots) == len(points) + 1
    for x, y in dots:
        assert 56 <= float(x) <= 624
        assert 24 <= float(y) <= 220


def test_a_limit_is_a_line_with_its_words_and_text_is_escaped() -> None:
    drawn = curve([Point(1.0, 2.0, "<b>")], names=NAMES, label="a <curve>", limit=500.0)
    assert "wanted: 500" in drawn
    assert "stroke-dasharray" in drawn
    assert "<b>" not in drawn
    assert 'role="img"' in drawn
