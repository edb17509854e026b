"""How much of the node each user has had lately: what a fair share is measured by.

Each user keeps a file beside the leases, to which everything that holds a device for this user adds
by the minute, so that a kill loses none but the last. What was had fades: a day later it counts
half. The file is the user's own, and may be written at will: a fair share is kept by this tool's
cooperation, the lock on a device by the system.
"""

from __future__ import annotations

import contextlib
import math
import os
import time
from collections.abc import Iterable
from typing import Self

import msgspec
from msgspec import Struct

from aim_jupyter.core.errors import StateUnusable
from aim_jupyter.core.leases import folder, locks
from aim_jupyter.core.records.kinds import resolved

#: Seconds after which what a user has had counts half.
HALF_LIFE_S = 86400.0
#: Seconds that are added at a time.
EACH_S = 60.0
_LEAD = "had-"
_MOST_TEXT = 256
_PATIENCE_S = 2.0


class _Had(Struct, frozen=True, kw_only=True):
    """So many GPU seconds, as they counted at that time."""

    gpu_s: float
    at: float


_HAD = msgspec.json.Decoder(resolved(_Had))


def add(gpu_s: float) -> None:
    """Add to what this user has had; where that can't be written it is not counted."""
    with contextlib.suppress(StateUnusable, OSError), folder.opened(make=True) as place:
        assert place is not None  # noqa: S101 - made, or raised
        handle = _own(place)
        if handle is None:
            return
        try:
            now = time.time()
            text = msgspec.json.encode(_Had(gpu_s=_read(handle, now) + gpu_s, at=now))
            os.pwrite(handle, text, 0)
            os.ftruncate(handle, len(text))
        finally:
            os.close(handle)


class Meter:
    """Counts what somebody holds while inside the block, as long as that is looked after.

    Parameters
    ----------
    devices : int
        How many are held.
    """

    def __init__(self, devices: int) -> None:
        self._devices = devices
        self._since = time.monotonic()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._add(at_least_s=0.0)

    def tick(self) -> None:
        """Add what is due."""
        self._add(at_least_s=EACH_S)

    def _add(self, *, at_least_s: float) -> None:
        held_s = time.monotonic() - self._since
        if self._devices and held_s >= at_least_s:
            self._since += held_s
            add(held_s * self._devices)


def had_s(uids: Iterable[int], now: float) -> dict[int, float]:
    """Return the GPU seconds that these users have had lately.

    Raises
    ------
    StateUnusable
        If the folder is a link or could be emptied by anyone.
    """
    found = dict.fromkeys(uids, 0.0)
    with folder.opened(make=False) as place:
        if place is not None:
            for uid in found:
                found[uid] += _of(place, uid, now)
    return found


def _own(place: int) -> int | None:
    """Open and lock this user's file; several servers may end at the same time."""
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        with contextlib.suppress(locks.Busy):
            own = locks.own(place, _name(os.geteuid()))
            return own[0] if own else None
        time.sleep(0.01)
    return None


def _name(uid: int) -> str:
    return f"{folder.prefix()}{_LEAD}{uid}"


def _of(place: int, uid: int, now: float) -> float:
    handle = locks.open_to_look(place, _name(uid))
    if handle is None:
        return 0.0
    try:
        # Another user's under this name says nothing.
        return _read(handle, now) if os.fstat(handle).st_uid == uid else 0.0
    finally:
        os.close(handle)


def _read(handle: int, now: float) -> float:
    """Return what counts now; nonsense counts nothing."""
    try:
        said = _HAD.decode(os.pread(handle, _MOST_TEXT, 0))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return 0.0
    age_s = max(now - said.at, 0.0)
    counts = said.gpu_s * 0.5 ** (age_s / HALF_LIFE_S)
    return counts if 0 <= counts < math.inf else 0.0
