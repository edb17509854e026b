"""Whether a running server is well: checks with limits, and what changed.

The checks are data (``health.toml``). Only a change is told: a server that does not answer for an
hour is two events.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from aim_jupyter.core import files
from aim_jupyter.core.events import Level


class Check(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One check: see ``health.toml``. It has `above` or `below`, whichever is the bad side."""

    name: str
    figure: str
    clear: float
    after_s: float
    level: Level
    raised: str
    cleared: str
    above: float | None = None
    below: float | None = None

    def beyond(self, value: float) -> bool:
        """Whether a figure is bad."""
        if self.above is not None:
            return value > self.above
        return self.below is not None and value < self.below

    def within(self, value: float) -> bool:
        """Whether a figure is good again."""
        better = operator.le if self.above is not None else operator.ge
        return bool(better(value, self.clear))


class Change(Struct, frozen=True, kw_only=True):
    """A check that was raised or taken back; then `took_s` says for how long it was bad."""

    message: str
    level: Level
    took_s: float | None = None


class _State(Struct):
    """Where a check is: raised or not, and since when the figure has spoken for the other."""

    raised: bool = False
    raised_at: float = 0.0
    turning_at: float | None = None


class Health:
    """The checks of one server, from one look to the next."""

    def __init__(self) -> None:
        self._states = {check.name: _State() for check in checks()}

    @property
    def bad(self) -> list[str]:
        """The names of the checks that are raised."""
        return [name for name, state in self._states.items() if state.raised]

    def look(self, figures: Mapping[str, float], now: float) -> list[Change]:
        """Return what changed.

        Parameters
        ----------
        figures : mapping
            As ``health.toml`` names them; one that is absent is not known.
        now : float
            Seconds, of a clock that only goes forward.
        """
        changes = [
            self._step(check, figures[check.figure], now)
            for check in checks()
            if check.figure in figures
        ]
        return [change for change in changes if change]

    def _step(self, check: Check, value: float, now: float) -> Change | None:
        state = self._states[check.name]
        if not (check.within(value) if state.raised else check.beyond(value)):
            state.turning_at = None
            return None
        if state.turning_at is None:
            state.turning_at = now
        if now - state.turning_at < check.after_s:
            return None
        bad_s = now - state.raised_at
        state.raised, state.turning_at = not state.raised, None
        if not state.raised:
            return Change(
                message=f"{check.name}: {check.cleared}", level="info", took_s=round(bad_s, 1)
            )
        state.raised_at = now
        return Change(
            message=f"{check.name}: {check.raised.format(value=value)}", level=check.level
        )


class _Table(Struct, frozen=True):
    check: tuple[Check, ...]


@functools.cache
def checks() -> tuple[Check, ...]:
    """Return the checks of ``health.toml``, in order."""
    return files.table(Path(__file__).with_name("health.toml"), _Table).check
