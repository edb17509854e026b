"""How many requests to have open at an engine, found from the engine's own figures.

Held so that a little is always waiting and nothing is preempted: an engine that has something
waiting is as busy as it can be, and more would only keep others waiting. A limit on errors would
find nothing, as an engine queues where others refuse; a sum of tokens finds too much, as a short
row takes whole blocks of the KV cache. Figures move only at the end of an engine's step, which
takes seconds on a CPU: what has not changed since the last look says nothing new.
"""

from __future__ import annotations

import math
from collections import deque
from typing import NamedTuple

#: Requests at the start, with an engine that shows no figures, and at most.
START, BLIND, MOST = 20, 32, 4096
#: Times as many at the next look, while there is room: where the blocks say so, and where not.
LEAP, DOUBLE = 4, 2
#: Of those that run, what waits besides: as many as end in one step must be there for the next.
SPARE = 0.4
#: Looks that are taken together: within a step, what has just come waits although there is room.
WINDOW = 5
#: Looks with nobody else there after which the engine is ours again.
QUIET = 20
#: Looks at most for which a place is kept for who asks again and again: as long as twice the pause.
LONGEST = 240
#: Times that others were seen before it counts: what has just ended may still be counted.
SEEN = 2


class Load(NamedTuple):
    """What an engine says of now; `moved` is anything that changes with each of its steps."""

    running: int
    waiting: int
    kv_used: float | None = None
    preempted: int = 0
    moved: float = 0.0
    #: All that ever came, where it counts those that ended.
    came: int | None = None

    @property
    def total(self) -> int:
        """All requests that it has."""
        return self.running + self.waiting


class Blocks(NamedTuple):
    """How an engine's KV cache is divided."""

    number: int
    tokens: int

    def room(self, tokens: float) -> int:
        """Return how many rows of so many tokens it holds: a short row takes a whole block."""
        return self.number // max(1, math.ceil(tokens / self.tokens))


class Pace:
    """The number of requests to have open, and why.

    Attributes
    ----------
    target : int
    most : int
        The largest that it was.
    why : str
        In words, for people.
    """

    def __init__(self, start: int = START) -> None:
        self.target = self.most = start
        self.why = "at the start"
        self._last: Load | None = None
        self._seen: deque[Load] = deque(maxlen=WINDOW)
        self._ceiling = MOST
        self._full = False
        self._others = self._strangers = self._streak = 0
        self._quiet = self._patience = QUIET
        self._before = start
        self._people: int | None = None
        self._since, self._asked = LONGEST, 0

    def look(
        self,
        load: Load | None,
        ours: int,
        room: int | None = None,
        strangers: int = 0,
        people: int | None = None,
    ) -> None:
        """Take note of what the engine says while `ours` requests of ours are open.

        Parameters
        ----------
        room : int, optional
            How many rows as those so far its KV cache holds at once.
        strangers : int
            How many requests of others have come so far, at least.
        people : int, optional
            How many of them were no map's, where the server's guard counts them.
        """
        if not self.target:
            return
        last_count, self._people = self._people, people
        self._since += 1
        if people is not None and last_count is not None and people > last_count:
            self._asked = self._asked + 1 if self._since <= 1 else 0
            if self._asked < WINDOW:
                self._meet(load.running if load else ours)
                return
            # Who asks at each look is a program: an equal, to be found by the figures.
            self._since = 0
        if load is None and self._last is not None:
            # It has said so before: it is away, or about to be.
            return
        if load is None:
            self._set(BLIND, "the server shows no metrics; fixed")
            return
        if load == self._last:
            return
        last, self._last = self._last, load
        self._others = self._others + 1 if load.total > ours else 0
        new, self._strangers = strangers > self._strangers, max(strangers, self._strangers)
        self._streak = self._streak + 1 if new else 0
        if new or self._others >= SEEN:
            self._yield(load, max(1, load.total - ours))
        elif self._quiet < self._patience:
            self._wait_for_quiet()
        elif last is not None and load.preempted > last.preempted:
            self._step_down(load, load.preempted - last.preempted)
        else:
            self._seen.append(load)
            self._fit(load, ours, room)

    def close(self) -> None:
        """Ask nothing more there."""
        self.target = 0

    def _meet(self, running: int) -> None:
        """Let a person have the engine almost alone, for as long as they may ask again."""
        gap, self._since = self._since, 0
        self._keep_place(running)
        self._patience = max(QUIET, 2 * gap) if 2 * gap <= LONGEST else QUIET
        self._set(1, "somebody asks, and goes first")

    def _keep_place(self, running: int) -> None:
        if self._quiet >= self._patience:
            # From now on a place is kept free: what comes next finds one without a row's end.
            self._before = max(1, min(self.target, running - 1))
        self._quiet = 0

    def _yield(self, load: Load, others: int) -> None:
        """Make room for somebody else's requests: theirs are waited for, ours are not.

        A person has the engine almost alone. Who asks at each look is a program, perhaps another
        map that sees us as well: as many as it has and one, so that both grow to equal shares.
        """
        self._keep_place(load.running)
        equal = min(self.target, others) if load.waiting else others + 1
        share = equal if self._streak >= WINDOW else 1
        self._set(min(share, self._before), f"others use the server, {load.total} in all")

    def _wait_for_quiet(self) -> None:
        # Whoever talks with it comes again: once they are known, one look that sees them is enough.
        self._quiet = 0 if self._others else self._quiet + 1
        if self._quiet >= self._patience:
            self._set(self._before, "others have gone")

    def _step_down(self, load: Load, count: int) -> None:
        was = self.target
        self._ceiling = max(1, load.running)
        self._set(self._ceiling, f"{count} preempted, stepped down from {was}")

    def _fit(self, load: Load, ours: int, room: int | None) -> None:
        idle = sum(not each.waiting for each in self._seen)
        seen = len(self._seen) == WINDOW
        # Rows that end together leave a gap at each look: then several looks have to say it.
        if ours >= self.target and (load.running >= self.target or (seen and 2 * idle > WINDOW)):
            self._set(self.target if load.waiting else self._more(room), self._said(load))
        elif seen and not idle:
            self._full = True
            most = max(each.running for each in self._seen)
            self._set(_spared(most), self._said(load))
        else:
            self.why = self._said(load)

    def _more(self, room: int | None) -> int:
        """Return how many to have open next, of an engine that has room for more."""
        if self._full:
            return self.target + max(1, self.target // 8)
        known = min(LEAP * self.target, _spared(room)) if room else 0
        return max(DOUBLE * self.target, known)

    @staticmethod
    def _said(load: Load) -> str:
        cache = "" if load.kv_used is None else f"KV cache {100 * load.kv_used:.0f} %, "
        lost = f"{load.preempted} preempted" if load.preempted else "nothing preempted"
        return f"{cache}{load.waiting} waiting, {lost}"

    def _set(self, target: int, why: str) -> None:
        wanted = max(1, min(target, self._ceiling, MOST))
        if wanted != self.target:
            self._seen.clear()
        self.target = wanted
        self.most = max(self.most, self.target)
        self.why = why


def _spared(running: int) -> int:
    """Return how many to have open so that a little waits besides those that run."""
    return running + max(2, round(SPARE * running))
