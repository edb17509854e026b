"""How many bytes the elements of a matrix take."""

from __future__ import annotations

import math

from msgspec import Struct

DTYPES = {
    "float64": 8,
    "float32": 4,
    "float": 4,
    "float16": 2,
    "half": 2,
    "bfloat16": 2,
    "fp8": 1,
    "fp8_e4m3": 1,
    "fp8_e5m2": 1,
    "int8": 1,
}
CHANNEL = 0  # a scale for each row, instead of one for each group of elements
TENSOR = -1  # one scale for all of it


class Format(Struct, frozen=True):
    """One element takes `bits`, and each group of `rows` x `columns` has `scale_bits` more.

    Attributes
    ----------
    name : str
        What recipes call it: ``fp8``, ``mxfp4``, ``int4``.
    columns : int
        `CHANNEL` stands for the whole row, `TENSOR` for the whole matrix.
    scale_bits : int
        Of a scale, with its zero point.
    """

    name: str
    bits: int
    rows: int = 1
    columns: int = CHANNEL
    scale_bits: int = 32

    def bytes(self, rows: int, columns: int) -> int:
        """Return what a matrix of `rows` x `columns` takes."""
        if self.columns == TENSOR:
            return math.ceil(rows * columns * self.bits / 8) + self.scale_bits // 8
        across = math.ceil(columns / self.columns) if self.columns else 1
        groups = math.ceil(rows / self.rows) * across
        return math.ceil((rows * columns * self.bits + groups * self.scale_bits) / 8)


FP8 = Format("fp8", 8)
FP8_TENSOR = Format("fp8", 8, columns=TENSOR)
MXFP8 = Format("mxfp8", 8, columns=32, scale_bits=8)
MXFP6 = Format("mxfp6", 6, columns=32, scale_bits=8)
MXFP4 = Format("mxfp4", 4, columns=32, scale_bits=8)
NVFP4 = Format("nvfp4", 4, columns=16, scale_bits=8)
INT8 = Format("int8", 8)


def integers(bits: int, group: int, zero_bits: int = 0) -> Format:
    """Return whole numbers of `bits`, with a scale in half precision for each `group`.

    Parameters
    ----------
    group : int
        Elements of a row that share a scale; `CHANNEL` for all.
    zero_bits : int
        Of a zero point beside the scale.
    """
    return Format(f"int{bits}", bits, 1, group, 16 + zero_bits)
