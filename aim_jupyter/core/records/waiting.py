"""One who waits in the line for GPUs."""

from __future__ import annotations

from msgspec import Struct


class Waiting(Struct, frozen=True, kw_only=True):
    """Who waits for what, since when, and until when as far as that can be known.

    Attributes
    ----------
    place : int
        From 1, of all who wait on this machine.
    count, gpus : int, tuple of int
        So many of these GPUs (HIP ordinals, as far as this process sees them) would do.
    since, expected_at : float or None
        Seconds since the epoch (UTC); `expected_at` is the earliest that can be known.
    waited_s, lasts_s : float or None
        `lasts_s` is how long it will hold them at most; None where it has set no end.
    until : str or None
        When it gives up, a time of day.
    why : str
        What it waits for, in words.
    held_by : tuple of str
        Who has what it waits for: ``bob for llama-3.3-70b``.
    """

    place: int
    user: str
    server: str | None
    model: str | None
    count: int
    gpus: tuple[int, ...]
    since: float
    waited_s: float
    lasts_s: float | None = None
    until: str | None = None
    expected_at: float | None = None
    why: str = ""
    held_by: tuple[str, ...] = ()
