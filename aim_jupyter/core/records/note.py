"""What one user of a node has asked another for."""

from __future__ import annotations

from msgspec import Struct


class Note(Struct, frozen=True, kw_only=True):
    """What one user has written to another who holds a device.

    Attributes
    ----------
    key : str
        The device.
    uid, user, holder_uid, holder : int, str
        Who asks, and who holds, as the kernel knows them.
    server : str or None
        Of the holder, on that device.
    at, answered_at : float or None
        Seconds since the epoch (UTC).
    answer : str
        Empty where there is none yet.
    """

    key: str
    uid: int
    user: str
    holder_uid: int
    holder: str
    server: str | None
    words: str
    at: float
    answer: str = ""
    answered_at: float | None = None
