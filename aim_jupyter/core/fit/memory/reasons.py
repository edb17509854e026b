"""A verdict's reason, in the few characters that a table shows."""

from __future__ import annotations

from aim_jupyter.core.records.fit import Fit

MOST = 50  # characters; pandas cuts a column there
_GIB = 2**30


def reason(fit: Fit) -> str:
    """Return why a fit has its verdict, as far as its sum says so: what is expected, halfway.

    The picture of the sum shows the same figure; its band says how far it may be off.
    """
    spare, available = fit.spare, fit.available
    if spare is None or available is None:
        return ""
    if fit.verdict == "FITS":
        each = " on each GPU" if fit.settings.tp * fit.settings.pp > 1 else ""
        return f"{amount(spare.middle)} to spare{each}"
    if fit.verdict == "TIGHT":
        which = "to spare" if spare.middle >= 0 else "short"
        return f"{amount(abs(spare.middle))} {which}, band ±{amount(spare.width / 2)}"
    if available.high <= 0:
        return f"{amount(-available.middle)} short before any KV cache"
    return f"{amount(-spare.middle)} of KV cache short{_served(fit)}"


def amount(memory: float) -> str:
    """Return memory in words: small models on a CPU have less than a GiB to spare.

    Examples
    --------
    >>> amount(2**34), amount(2**20)
    ('16.0 GiB', '1.0 MiB')
    """
    few = 0 < memory < _GIB / 10
    return f"{memory / 2**20:.1f} MiB" if few else f"{memory / _GIB:.1f} GiB"


def short(text: str) -> str:
    """Return `text` in at most `MOST` characters."""
    return text if len(text) <= MOST else f"{text[: MOST - 1]}…"


def _served(fit: Fit) -> str:
    if fit.settings.users > 1 and fit.concurrency is not None:
        return f": {int(fit.concurrency.high)} of {fit.settings.users} users"
    return ""
