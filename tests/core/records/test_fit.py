"""The figures that follow from those of a fit."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core.records.fit import Band, Device, Fit, Settings, Start

WHOLE = st.integers(0, 1 << 50)


@given(WHOLE, WHOLE)
def test_the_middle_lies_between_the_ends(first: int, second: int) -> None:
    band = Band(min(first, second), max(first, second))
    assert band.low <= band.middle <= band.high
    assert band.width == band.high - band.low


def test_free_memory_that_nobody_knows_is_all_and_none_is_none() -> None:
    assert Device(model="MI300X", family="rocm", total_bytes=10).free == 10
    assert Device(model="MI300X", family="rocm", total_bytes=10, free_bytes=0).free == 0


def fit(available: Band | None, need: Band | None) -> Fit:
    return Fit(
        model="m", verdict="FITS", reason="", settings=Settings(), available=available, need=need
    )


def test_what_is_spare_is_least_where_least_is_there_and_most_is_needed() -> None:
    assert fit(Band(10, 20), Band(3, 5)).spare == Band(5, 17)
    assert fit(Band(1, 2), Band(3, 3)).spare == Band(-2, -1)
    assert fit(None, Band(1, 1)).spare is None
    assert fit(Band(1, 1), None).spare is None


@pytest.mark.parametrize(
    ("measured", "predicted", "error"),
    [
        (200, 210, 5.0),
        (200, 190, -5.0),
        (200, 0, -100.0),
        (0, 10, None),
        (None, 1, None),
        (1, None, None),
    ],
)
def test_the_error_of_a_prediction(
    measured: int | None, predicted: int | None, error: float | None
) -> None:
    start = Start(
        at=0, model="m", gpu_model="MI300X", kv_bytes=measured, kv_predicted_bytes=predicted
    )
    assert start.kv_error_pct == error
