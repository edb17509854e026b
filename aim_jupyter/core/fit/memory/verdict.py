"""The verdict on a request: its sum, and what would fit instead."""

from __future__ import annotations

from msgspec import structs

from aim_jupyter.core.fit.memory.assessment import assess
from aim_jupyter.core.fit.memory.offers import offers
from aim_jupyter.core.fit.memory.request import Request
from aim_jupyter.core.records.fit import Fit


def verdict(request: Request) -> Fit:
    """Return whether a start will fit.

    FITS where the need is met at the high end of the overhead, TIGHT where only at the low end, NO
    where not even there, ``unknown`` where it can't be told. Never raises for what is asked.

    Examples
    --------
    >>> from aim_jupyter.core.checkpoint.architecture import architecture
    >>> verdict(Request(model="mine", architecture=architecture({}))).verdict
    'unknown'
    """
    fit = assess(request)
    return structs.replace(fit, offers=offers(request, fit))
