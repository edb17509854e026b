"""Lengths of time as launch lines have them."""

from __future__ import annotations

_UNITS = ((3600, "h"), (60, "m"), (1, "s"))


def duration(seconds: float | None) -> str:
    """Return a length of time as ``--idle`` takes it, in the largest unit that says it exactly.

    Examples
    --------
    >>> duration(5400), duration(1_000_000), duration(0.25), duration(None)
    ('90m', '1000000s', '0.25s', 'never')
    """
    if seconds is None:
        return "never"
    size, unit = next((one for one in _UNITS if seconds % one[0] == 0), (1, "s"))
    # Not `:g`: that rounds to six digits, and writes a million as 1e+06.
    digits = f"{seconds / size:.6f}".rstrip("0").rstrip(".")
    return f"{digits}{unit}"
