"""The units of memory: bytes everywhere, GiB only where a person reads or writes them."""

from __future__ import annotations

from typing import Final

MIB: Final = 1 << 20
GIB: Final = 1 << 30


def amount(size: float) -> str:
    """Return memory in words; small models have less than a GiB to spare.

    Examples
    --------
    >>> amount(16 * GIB), amount(MIB)
    ('16.0 GiB', '1.0 MiB')
    """
    few = 0 < size < GIB / 10
    return f"{size / MIB:.1f} MiB" if few else f"{size / GIB:.1f} GiB"
