"""What cards draw."""

from __future__ import annotations

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core.records import Gpu
from aim_jupyter.render import html, shapes
from tests.render.pages import Page

VALUES = st.lists(st.none() | st.floats(0, 1e9), max_size=30)


@pytest.mark.parametrize("shape", get_args(shapes.Shape))
def test_no_glyph_is_read_aloud(shape: shapes.Shape) -> None:
    drawn = shapes.glyph(shape, html.GOOD)
    assert 'aria-hidden="true"' in drawn
    assert Page(drawn).text == ""


@given(st.floats(-10, 10))
def test_progress_stays_between_nothing_and_all(fraction: float) -> None:
    drawn = shapes.progress(fraction, "so far")
    percent = int(drawn.split('aria-valuenow="')[1].split('"')[0])
    assert 0 <= percent <= 100
    assert f"width:{percent}%" in drawn


def test_a_bar_says_what_it_shows_and_leaves_out_what_is_nothing() -> None:
    drawn = shapes.bar([(0.5, "red"), (0.0, "blue"), (2.0, "green")], "half <used>")
    assert 'aria-label="half &lt;used&gt;"' in drawn
    assert "blue" not in drawn
    assert "width:100.00%" in drawn  # never beyond its track


@pytest.mark.parametrize(
    ("used", "total", "share"), [(5, 10, 0.5), (None, 10, 0.0), (5, None, 0.0), (5, 0, 0.0)]
)
def test_the_share_of_a_gpu_that_is_not_known_is_nothing(
    used: int | None, total: int | None, share: float
) -> None:
    assert shapes.share(Gpu(vram_used_bytes=used, vram_bytes=total)) == share


def test_a_state_is_a_shape_and_a_word() -> None:
    assert Page(shapes.state("failed")).text == "failed"
    assert Page(shapes.gpu_state(Gpu(), yours=False)).text == "unknown"
    mine, others = (shapes.gpu_state(Gpu(state="busy"), yours=yours) for yours in (True, False))
    assert html.BRAND in mine
    assert html.OTHERS in others


@given(VALUES, st.none() | st.floats(1, 1e9))
def test_a_line_stays_within_its_picture(values: list[float | None], top: float | None) -> None:
    drawn = shapes.spark(values, top=top)
    known = [value for value in values if value is not None]
    assert bool(drawn) == bool(known)
    if known:
        points = drawn.split('points="')[1].split('"')[0].split()
        assert len(points) == len(known)
        assert all(3 <= float(point.split(",")[1]) <= 23 for point in points)
        assert all(0 <= float(point.split(",")[0]) <= 100 for point in points)
