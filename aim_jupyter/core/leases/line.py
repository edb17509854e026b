"""Whose turn it is: pure. Everybody who waits finds the same by looking, so that nobody decides.

Who has had more than a share stands behind who has not; of these, who has fewer devices now comes
first; and of those that are alike in this, who came first. Each is given the earliest time that can
be known at which there is room for all before it, so that who is short may pass who is large
exactly where that delays nobody. What has set no end is taken to last for ever.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from aim_jupyter.core.leases.holder import Holder
from aim_jupyter.core.leases.ticket import Ticket

#: What should have been let go by now is about to be.
_OVERDUE_S = 60.0
#: Behind so many nobody's time is worked out: a look must stay short.
MOST = 100


class Turn(Struct, frozen=True, kw_only=True):
    """Where somebody stands in the line.

    Attributes
    ----------
    place : int
        From 1.
    keys : tuple of str
        The devices from which `ticket.count` may be taken now; empty where it is not its turn.
    expected_at : float or None
        The earliest that can be known, seconds since the epoch (UTC).
    """

    ticket: Ticket
    place: int
    keys: tuple[str, ...] = ()
    expected_at: float | None = None


def ordered(
    tickets: Iterable[Ticket], holders: Mapping[str, Holder], had_s: Mapping[int, float]
) -> list[Ticket]:
    """Return those who wait in the order in which they are served.

    What a user's earlier tickets ask for counts for the later ones as if it were had already: who
    asks for four servers at once is served one, and the next one when the others were.

    Parameters
    ----------
    holders : mapping
        Of every device that is held, by key.
    had_s : mapping
        GPU seconds that each user has had lately, by uid: of those who hold or wait now.
    """
    came = sorted(tickets, key=lambda ticket: (ticket.at, ticket.name))
    all_of_them = {ticket.uid: 0.0 for ticket in came} | dict(had_s)
    share = sum(all_of_them.values()) / max(len(all_of_them), 1)
    has = Counter(holder.uid for holder in holders.values())
    keys = {}
    for ticket in came:
        # A rounding must not make one of equals a glutton.
        glutton = all_of_them[ticket.uid] > share * (1 + 1e-9)
        keys[ticket.name] = (glutton, has[ticket.uid])
        has[ticket.uid] += ticket.count
    return sorted(came, key=lambda ticket: keys[ticket.name])


def turns(
    line: Sequence[Ticket],
    holders: Mapping[str, Holder],
    now: float,
    *,
    passed: frozenset[str] = frozenset(),
) -> list[Turn]:
    """Return where each stands.

    Parameters
    ----------
    line : sequence of Ticket
        As `ordered` returns it.
    holders : mapping
        Of every device that is held, by key.
    passed : frozenset of str
        Names of tickets whose turn has come and who do not take it: nothing is kept for them.
    """
    times = _Times(holders, now)
    has = Counter(holder.uid for holder in holders.values())
    found = []
    for place, ticket in enumerate(line, 1):
        full = ticket.most is not None and has[ticket.uid] + ticket.count > ticket.most
        if place > MOST or ticket.name in passed or full:
            found.append(Turn(ticket=ticket, place=place))
            continue
        at, keys = times.earliest(ticket)
        here = Turn(ticket=ticket, place=place, expected_at=None if math.isinf(at) else at)
        if at <= now:
            has[ticket.uid] += ticket.count
            here = Turn(ticket=ticket, place=place, keys=keys, expected_at=now)
        times.keep(ticket, at, keys)
        found.append(here)
    return found


class _Times:
    """When each device is taken: by who holds it, and by who comes before in the line."""

    def __init__(self, holders: Mapping[str, Holder], now: float) -> None:
        self._now = now
        self._taken: dict[str, list[tuple[float, float]]] = {}
        #: Devices for which somebody waits of whom it is not known when he will have them.
        self._open_end: set[str] = set()
        for key, holder in holders.items():
            end = math.inf if holder.until is None else max(holder.until, now + _OVERDUE_S)
            self._taken[key] = [(now, end)]

    def earliest(self, ticket: Ticket) -> tuple[float, tuple[str, ...]]:
        """Return from when enough devices are free for as long as it takes, and which."""
        lasts = math.inf if ticket.lasts_s is None else ticket.lasts_s
        keys = [key for key in ticket.keys if not (math.isinf(lasts) and key in self._open_end)]
        ends = {end for key in keys for _, end in self._taken.get(key, ()) if end < math.inf}
        for at in sorted({self._now, *(end for end in ends if end > self._now)}):
            free = tuple(key for key in keys if self._is_free(key, at, at + lasts))
            if len(free) >= ticket.count:
                return at, free
        return math.inf, ()

    def keep(self, ticket: Ticket, at: float, keys: tuple[str, ...]) -> None:
        """Keep for a ticket what it will take."""
        if math.isinf(at):
            self._open_end.update(ticket.keys)
            return
        end = math.inf if ticket.lasts_s is None else at + ticket.lasts_s
        for key in keys[: ticket.count]:
            self._taken.setdefault(key, []).append((at, end))

    def _is_free(self, key: str, begin: float, end: float) -> bool:
        taken = self._taken.get(key, ())
        return all(other_end <= begin or other >= end for other, other_end in taken)
