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
#: After so long it is kept for him once more.
FORGIVEN_S = 60.0


def now(
    *, last: Ticket | None = None, passed: frozenset[str] = frozenset()
) -> tuple[list[Turn], Mapping[str, Holder]]:
    """Return where each stands who waits, and who holds what they wait for.

    Parameters
    ----------
    last : Ticket, optional
        Somebody who would come now, behind all of them.
    passed : frozenset of str
        Names of tickets for which nothing is kept any more.

    Raises
    ------
    StateUnusable
        If the folder of the leases is a link or could be emptied by anyone.
    """
    waiting = [*ticket.waiting(), *([last] if last else [])]
    held = holders()
    if not waiting:
        return [], held
    at = time.time()
    had = usage.had_s({one.uid for one in waiting}, held, at)
    return line.turns(line.ordered(waiting, held, had), held, at, passed=passed), held


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
        at = time.monotonic()
        since = {name: began for name, began in self._kept_since.items() if at - began < FORGIVEN_S}
        passed = {name for name, began in since.items() if at - began > KEPT_S}
        turns, held = now(passed=frozenset(passed - {self._own.name}))
        kept = {turn.ticket.name for turn in turns if turn.keys}
        self._kept_since = {name: since.get(name, at) for name in passed | kept}
        mine = next((turn for turn in turns if turn.ticket.name == self._own.name), None)
        return mine, turns, held
