"""Whose something is: the names of the users of this machine."""

from __future__ import annotations

import functools
import pwd


@functools.lru_cache(maxsize=256)
def name(uid: int) -> str:
    """Return the name of a user, ``uid 1234`` for one that nobody knows here.

    Kept: behind a directory service each look-up may take milliseconds. One of another
    container, or of a directory that does not answer, has no name.
    """
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"uid {uid}"
