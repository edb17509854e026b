"""What is written of a length of time is read as that length."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.request import values
from aim_jupyter.core.request.values import duration


@given(st.integers(1, 10**9) | st.floats(0.001, 1e7).map(lambda value: round(value, 3)))
def test_it_is_read_as_it_was_meant(seconds: float) -> None:
    assert values.seconds(duration(seconds)) == pytest.approx(seconds, rel=1e-9)


@pytest.mark.parametrize("text", ["18:00", "0:05", "09:30", "23:59"])
def test_a_time_of_day_stays_as_it_was_written(text: str) -> None:
    assert values.clock(text) == text


@pytest.mark.parametrize("text", ["", "24:00", "18", "18:60", "6pm", "18:00:00", "-1:00"])
def test_what_is_no_time_of_day_is_refused(text: str) -> None:
    with pytest.raises(BadUsage, match="no time of day") as caught:
        values.clock(text)
    assert caught.value.hint == "write it as in --until 18:00"
