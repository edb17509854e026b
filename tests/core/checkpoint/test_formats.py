"""How many bytes the elements of a matrix take."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core.checkpoint import formats
from aim_jupyter.core.checkpoint.formats import FP8, FP8_TENSOR, MXFP4, NVFP4, Format, integers

SIZES = st.integers(1, 5000)


@pytest.mark.parametrize(
    ("shape", "rows", "columns", "size"),
    [
        (FP8_TENSOR, 10, 20, 200 + 4),  # one scale in all
        (FP8, 10, 20, 200 + 10 * 4),  # one a row
        (
            Format("fp8", 8, 128, 128),
            256,
            129,
            256 * 129 + 2 * 2 * 4,
        ),  # a block that is begun counts
        (MXFP4, 1, 64, 32 + 2),
        (NVFP4, 1, 64, 32 + 4),
        (integers(4, 128), 1, 256, 128 + 4),
        (integers(4, 128, 4), 1, 256, 128 + 5),
    ],
)
def test_scales_come_on_top_of_the_elements(
    shape: Format, rows: int, columns: int, size: int
) -> None:
    assert shape.bytes(rows, columns) == size


@given(SIZES, SIZES, st.sampled_from([FP8, FP8_TENSOR, MXFP4, NVFP4, integers(4, 32)]))
def test_more_elements_never_take_less(rows: int, columns: int, shape: Format) -> None:
    size = shape.bytes(rows, columns)
    assert size >= rows * columns * shape.bits // 8
    assert shape.bytes(rows + 1, columns) >= size
    assert shape.bytes(rows, columns + 1) >= size


def test_types_that_mean_the_same_take_the_same() -> None:
    assert formats.DTYPES["half"] == formats.DTYPES["float16"] == formats.DTYPES["bfloat16"] == 2
    assert formats.DTYPES["float"] == formats.DTYPES["float32"]
