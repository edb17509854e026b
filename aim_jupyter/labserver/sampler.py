"""One reading of the machine for all tabs, taken only while somebody asks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")

#: Seconds that a reading is good for.
KEPT_S = 1.0
#: A reading that takes long is kept this many times as long: on a slow disk no more than a sixth
#: of the time goes into looking.
PATIENCE = 5.0


class Sampler(Generic[T]):
    """Share one reading among all who ask at about the same time.

    Nobody asks, nothing is read: there is no clock of its own that would have to be stopped.

    Parameters
    ----------
    read : callable
        Takes the reading; called by one at a time.
    """

    def __init__(self, read: Callable[[], Awaitable[T]]) -> None:
        self._read = read
        self._reading: asyncio.Task[T] | None = None
        self._last: T | None = None
        self._good_until = 0.0

    async def latest(self) -> T:
        """Return the last reading while it is fresh, else a new one."""
        if self._last is not None and time.monotonic() < self._good_until:
            return self._last
        if self._reading is None:
            self._reading = asyncio.ensure_future(self._take())
        # Shielded: a tab that is closed may not take the reading away from the others.
        return await asyncio.shield(self._reading)

    def forget(self) -> None:
        """Read anew next time: something was changed through us."""
        self._good_until = 0.0
        # One that has begun may not have seen it.
        self._reading = None

    async def _take(self) -> T:
        began, task = time.monotonic(), asyncio.current_task()
        try:
            taken = await self._read()
            if self._reading is task:
                now = time.monotonic()
                self._last = taken
                self._good_until = now + max(KEPT_S, PATIENCE * (now - began))
            return taken
        finally:
            if self._reading is task:
                self._reading = None
