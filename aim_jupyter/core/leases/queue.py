"""The line for devices as it is now: read anew by everybody who waits, kept by nobody."""

from __future__ import annotations

import time
from collections.abc import Mapping

from aim_jupyter.core.leases import line, ticket, usage
from aim_jupyter.core.leases.holder import Holder, holders
from aim_jupyter.core.leases.line import Turn
from aim_jupyter.core.leases.ticket import Ticket

#: Seconds for which a device is kept for somebody whose turn it is: a supervisor that is stopped,
#: or a container that sees other devices than we do, keeps it from nobody.
KEPT_S = 1.5


def now(*, last: Ticket | None = None) -> tuple[list[Turn], Mapping[str, Holder]]:
    """Return where each stands who waits, and who holds what they wait for.

    Parameters
    ----------
    last : Ticket, optional
        Somebody who would come now, behind all of them.

    Raises
    ------
    StateUnusable
        If the folder of the leases is a link or could be emptied by anyone.
    """
    waiting, held, at = _read(last)
    return line.turns(waiting, held, at), held


def _read(last: Ticket | None = None) -> tuple[list[Ticket], Mapping[str, Holder], float]:
    """Return who waits in the order in which they are served, who holds, and the time."""
    waiting = [*ticket.waiting(), *([last] if last else [])]
    held, at = holders(), time.time()
    if not waiting:
        return [], held, at
    holding = {holder.uid for holder in held.values() if holder.uid is not None}
    had = usage.had_s(holding.union(one.uid for one in waiting), at)
    return line.ordered(waiting, held, had), held, at


class Watch:
    """What one who waits has seen of the others: who does not take what is kept for him."""

    def __init__(self, own: Ticket) -> None:
        self._own = own
        self._kept_since: dict[str, float] = {}

    def look(self) -> tuple[Turn | None, list[Turn], Mapping[str, Holder]]:
        """Return the own turn, everybody's, and who holds what; no turn where the ticket is gone.

        Raises
        ------
        StateUnusable
            As `now`.
        """
        waiting, held, at = _read()
        turns = line.turns(waiting, held, at)
        began = time.monotonic()
        kept = (turn.ticket.name for turn in turns if turn.keys)
        self._kept_since = {name: self._kept_since.get(name, began) for name in kept}
        passed = {name for name, since in self._kept_since.items() if began - since > KEPT_S}
        if passed := passed - {self._own.name}:
            turns = line.turns(waiting, held, at, passed=frozenset(passed))
        mine = next((turn for turn in turns if turn.ticket.name == self._own.name), None)
        return mine, turns, held
