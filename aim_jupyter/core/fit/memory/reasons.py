"""A verdict's reason, in a few words: the first thing that a person reads of it."""

from __future__ import annotations

from aim_jupyter.core.records.fit import Fit
from aim_jupyter.core.sizes import amount


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


def _served(fit: Fit) -> str:
    if fit.settings.users > 1 and fit.concurrency is not None:
        return f": {int(fit.concurrency.high)} of {fit.settings.users} users"
    return ""
