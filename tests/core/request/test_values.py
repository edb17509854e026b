"""What is written of a length of time is read as that length."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core.request import values
from aim_jupyter.core.request.values import duration


@given(st.integers(1, 10**9) | st.floats(0.001, 1e7).map(lambda value: round(value, 3)))
def test_it_is_read_as_it_was_meant(seconds: float) -> None:
    assert values.seconds(duration(seconds)) == pytest.approx(seconds, rel=1e-9)
