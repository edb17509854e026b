"""The longest context that fits: what ``auto`` stands for."""

from __future__ import annotations

from msgspec import structs

from aim_jupyter.core.fit.memory.assessment import assess
from aim_jupyter.core.fit.memory.request import Request

LEAST = 4096
"""Tokens that a context must have to be of use; fewer are nothing to choose by oneself."""


def longest(request: Request, most: int | None = None) -> Request:
    """Return the same question with the longest context that its users have room for.

    At the high end of the overhead, in round numbers. Where there is no room for `LEAST` tokens,
    or a quarter of what the model takes where that is less, those are asked for: then the verdict
    and its sum say what is missing.

    Parameters
    ----------
    most : int or None
        Tokens that are enough; None is what the model was made for.
    """
    settings = structs.replace(request.settings, max_model_len=most)
    whole = structs.replace(request, settings=settings)
    found = assess(whole)
    if found.largest_context is None:
        return whole
    limit = min(end for end in (most, found.context_limit) if end) if most else found.context_limit
    length = rounded(min(found.largest_context, limit or found.largest_context), limit)
    enough = max(length, min(LEAST, limit // 4 if limit else LEAST))
    return structs.replace(request, settings=structs.replace(settings, max_model_len=enough))


def rounded(length: int, limit: int | None = None) -> int:
    """Return `length` without its odd tokens; the limit itself stays as it is.

    Examples
    --------
    >>> rounded(27_345), rounded(4_660), rounded(131), rounded(40_960, 40_960)
    (26624, 4608, 128, 40960)
    """
    if length == limit:
        return length
    step = next((step for step in (1024, 256, 16) if length >= 8 * step), 1)
    return length // step * step
