"""Whether an engine that has ended by itself is started again, and when: pure.

As service managers do it (``systemd.service(5)``: ``Restart=on-failure``, ``StartLimitBurst``): a
growing pause between attempts, and attempts that count anew after a time that went well. A server
that has never been ready is not started again: what was wrong with it still is.
"""

from __future__ import annotations

from typing import NamedTuple

from aim_jupyter.core.records import ServerRecord

#: The first pause, doubled with each attempt up to the longest.
FIRST_S = 1.0
LONGEST_S = 60.0
#: An engine that was ready for so long has recovered.
STABLE_S = 600.0


class Restart(NamedTuple):
    """The `number`-th attempt in a row, after a pause of `pause_s` seconds."""

    number: int
    pause_s: float


def after(record: ServerRecord, now_up_s: float) -> Restart | None:
    """Return the next attempt for a server whose engine has ended; `now_up_s` is since boot."""
    ran_s = None if record.ready_up_s is None else now_up_s - record.ready_up_s
    return decide(record.plan.restarts, record.restarts, ran_s)


def decide(most: int, done: int, ran_s: float | None) -> Restart | None:
    """Return the next attempt, None where there is to be none.

    Parameters
    ----------
    most : int
        Attempts in a row that the user allows.
    done : int
        Attempts since the engine last ran for `STABLE_S`.
    ran_s : float or None
        Seconds since the engine that has just ended was ready; None if it never was.

    Examples
    --------
    >>> decide(3, 0, ran_s=20.0)
    Restart(number=1, pause_s=1.0)
    >>> decide(3, 2, ran_s=None)
    Restart(number=3, pause_s=4.0)
    >>> decide(3, 3, ran_s=20.0), decide(3, 0, ran_s=None)
    (None, None)
    >>> decide(3, 3, ran_s=3600.0)
    Restart(number=1, pause_s=1.0)
    """
    if ran_s is None and done == 0:
        return None
    if ran_s is not None and ran_s >= STABLE_S:
        done = 0
    if done >= most:
        return None
    return Restart(done + 1, min(LONGEST_S, FIRST_S * 2**done))
