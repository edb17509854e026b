"""A server's turn for its GPUs: waited for where the plan says so, minded where it does not."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from aim_jupyter.core import gpus, leases
from aim_jupyter.core.errors import GpuUnavailable
from aim_jupyter.core.leases import Holder, Lease, Ticket, Turn, Wish, queue
from aim_jupyter.core.records import Gpu, Plan
from aim_jupyter.core.request import words as lines
from aim_jupyter.core.sizes import GIB

#: Seconds between two looks whether a GPU is free, and at most between two at the whole line.
LOOK_S, LONGEST_LOOK_S = 0.5, 2.0
#: A look at the whole line may take this share of a core.
_SHARE = 0.002
#: What is said of the line is renewed so often.
_TOLD_S = 5.0
#: In the words of a launch, that these very GPUs were asked for.
ASKED = "--gpus"
_NAMED = 3

Take = Callable[[frozenset[str]], Lease]
Say = Callable[[str, float], bool]


def wish(plan: Plan, launched: float = 0.0) -> Wish:
    """Return what a plan waits for: so many of the GPUs that would do."""
    return Wish(
        keys=tuple(sorted(key for gpu in alike(plan) if (key := gpu.key) is not None)),
        count=len(plan.gpus),
        launch=str(launched),
        most=plan.most_held,
        lasts_s=plan.lifetime_s,
        server=plan.server,
        model=plan.model,
        until=plan.until or None,
    )


def alike(plan: Plan) -> list[Gpu]:
    """Return the GPUs that would do for a plan: those that were asked for, else all of the kind."""
    listed = [gpu for gpu in gpus.machine().gpus if gpu.hip_index is not None]
    if ASKED in plan.asked:
        return [gpu for gpu in listed if gpu.hip_index in (plan.among or plan.gpus)]
    planned = {_kind(gpu) for gpu in listed if gpu.hip_index in plan.gpus}
    return [gpu for gpu in listed if gpu.usable and _kind(gpu) in planned]


def waited(plan: Plan, owner: Path, launched: float, take: Take, say: Say) -> Lease | None:
    """Wait in the line and return the lease; None where the start is not wanted any more.

    Parameters
    ----------
    owner : Path
        The server's folder.
    launched : float
        When that was, seconds since the epoch: tells this launch from others of the name.
    take : callable
        Takes the plan's GPUs from those keys; raises `GpuUnavailable` where that can't be.
    say : callable
        Is told where the server stands, waits so many seconds, and returns whether to go on.

    Raises
    ------
    GpuUnavailable
        If its turn has not come by the time that the plan sets, or its GPUs are gone.
    """
    wished = wish(plan, launched)
    if len(wished.keys) < wished.count:
        raise GpuUnavailable(f"{plan.devices} is not there any more.", "%aim gpus")
    waiter = _Waiter(plan, _ends_at(plan.until, launched), take, say)
    while True:
        with leases.drawn(wished, owner) as ticket, contextlib.suppress(_Lost):
            return waiter.wait(ticket)
        # Not at once: it may be lost again, as one of more tickets than are looked at.
        if not waiter.goes_on():
            return None


class _Lost(Exception):
    """Somebody has removed the ticket: what cleans up old files, or an administrator."""


class _Waiter:
    """Look again and again, as often as costs next to nothing, until it is the turn of one."""

    def __init__(self, plan: Plan, end: float, take: Take, say: Say) -> None:
        self._plan, self._end, self._take, self._say = plan, end, take, say
        self._names = {gpu.key or "": gpu.hip_index for gpu in gpus.machine().gpus}
        self._told, self._refusals = "", 0

    def wait(self, ticket: Ticket) -> Lease | None:
        """Return the lease; None where the start is not wanted any more."""
        watch, looks_at, told_at, before = leases.Watch(ticket), 0.0, 0.0, 0
        while True:
            began = time.monotonic()
            free = leases.free(ticket.keys)
            # What has just become free is looked at at once, what has been so now and then.
            due = free > before or began >= looks_at
            before = free
            if began >= told_at or (free >= ticket.count and due):
                lease = self._look(watch, ticket)
                if lease is not None:
                    return lease
                rest_s = (time.monotonic() - began) / _SHARE
                # Others' looks collide with it for a moment; memory without a lease stays longer.
                again_s = LOOK_S * 2**self._refusals if self._refusals else rest_s
                looks_at = began + min(again_s, LONGEST_LOOK_S)
                told_at = began + max(rest_s, _TOLD_S)
            if not self.goes_on():
                return None

    def goes_on(self) -> bool:
        """Wait until the next look; return whether the start is wanted still."""
        if time.time() >= self._end:
            found = f"Its turn has not come by {self._plan.until}: {self._told}."
            raise GpuUnavailable(found, "%aim queue")
        return self._say(self._told, LOOK_S)

    def _look(self, watch: leases.Watch, ticket: Ticket) -> Lease | None:
        mine, turns, held = watch.look()
        if mine is None:
            raise _Lost
        refused = ""
        if mine.keys:
            try:
                return self._take(frozenset(mine.keys))
            except GpuUnavailable as error:
                refused = f" · {error.found}"
        self._refusals = min(self._refusals + 1, 3) if refused else 0
        self._told = said(ticket.name, turns, held, self._names) + refused
        return None


def allowed(plan: Plan) -> frozenset[str] | None:
    """Return the GPUs that one who does not wait may take; None where nobody waits.

    Raises
    ------
    GpuUnavailable
        If those that would do are kept for others, who came before.
    """
    mine = leases.supposed(wish(plan))
    turns, held = queue.now(last=mine)
    if _full(mine, held):
        raise GpuUnavailable(
            f"The administrator of this machine allows {mine.most} of its GPUs at a time to each "
            f"user: with {plan.devices} it would be more.",
            queued(plan),
        )
    if len(turns) <= 1:
        return None
    own = next(turn for turn in turns if turn.ticket.name == mine.name)
    # Where they are held, not kept, whoever takes them is told by whom.
    if not own.keys and len([key for key in mine.keys if key not in held]) >= mine.count:
        before = [turn for turn in turns if turn is not own and _compete(turn, mine.keys)]
        raise GpuUnavailable(
            f"{plan.devices} is kept for {_names(turn.ticket.words for turn in before)}: "
            f"{_waits(len(before))} in the line.",
            queued(plan),
        )
    return frozenset(own.keys) or None


def queued(plan: Plan) -> str:
    """Return the line that asks for a plan once more, and waits for its turn."""
    return lines.launch((*(plan.asked or (plan.model,)), "--queue"))


def said(
    name: str, turns: Sequence[Turn], held: Mapping[str, Holder], names: Mapping[str, int | None]
) -> str:
    """Return where a ticket stands, who has what it waits for, and when its turn is expected.

    Examples
    --------
    >>> said("a", [], {}, {})
    'not in the line'
    """
    mine = next((turn for turn in turns if turn.ticket.name == name), None)
    if mine is None:
        return "not in the line"
    ticket = mine.ticket
    before = [turn for turn in turns if turn.place < mine.place and _compete(turn, ticket.keys)]
    what = f"{ticket.count} GPU{'s' * (ticket.count > 1)}"
    parts = [f"{ordinal(len(before) + 1)} in line for {what}"]
    if before:
        parts.append(f"after {_names(turn.ticket.words for turn in before)}")
    parts += [_held(ticket.keys, held, names)] if any(key in held for key in ticket.keys) else []
    if _full(ticket, held):
        return " · ".join([*parts, f"you have as many as each user may: {ticket.most}"])
    return " · ".join([*parts, stands(mine)])


def stands(turn: Turn) -> str:
    """Return when a turn is expected, in words."""
    if turn.keys:
        return "its turn is now"
    if turn.expected_at is None:
        return "nobody has said until when"
    return f"expected by {time.strftime('%H:%M', time.localtime(turn.expected_at))}"


def ordinal(number: int) -> str:
    """Return a place in words.

    Examples
    --------
    >>> ordinal(1), ordinal(2), ordinal(11), ordinal(23)
    ('1st', '2nd', '11th', '23rd')
    """
    teen = number // 10 % 10 == 1
    return f"{number}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def _held(keys: Iterable[str], held: Mapping[str, Holder], names: Mapping[str, int | None]) -> str:
    by_whom: dict[str, list[str]] = {}
    for key in keys:
        if key in held:
            shown = names.get(key)
            by_whom.setdefault(held[key].title, []).append(key if shown is None else str(shown))
    return _names(f"{who} has GPU {','.join(which)}" for who, which in by_whom.items())


def _full(ticket: Ticket, held: Mapping[str, Holder]) -> bool:
    """Whether its user would hold more than each may at a time."""
    has = sum(holder.uid == ticket.uid for holder in held.values())
    return ticket.most is not None and has + ticket.count > ticket.most


def _names(all_of_them: Iterable[str]) -> str:
    names = list(all_of_them)
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


def _waits(count: int) -> str:
    return f"{count} waits" if count == 1 else f"{count} wait"


def _compete(turn: Turn, keys: Iterable[str]) -> bool:
    return not set(keys).isdisjoint(turn.ticket.keys)


def _ends_at(until: str, launched: float) -> float:
    """Return when a plan gives up: at that time of day, the first one after its launch."""
    if not until:
        return math.inf
    day = time.localtime(launched)
    hours, minutes = map(int, until.split(":"))
    on = (day.tm_year, day.tm_mon, day.tm_mday)
    at = time.mktime((*on, hours, minutes, 0, 0, 0, -1))
    return at if at > launched else time.mktime((*on[:2], on[2] + 1, hours, minutes, 0, 0, 0, -1))


def _kind(gpu: Gpu) -> tuple[object, ...]:
    # The last partition of a card is 16 MiB smaller than the others (a captured MI308X in CPX).
    size = None if gpu.vram_bytes is None else round(gpu.vram_bytes / GIB)
    return (gpu.model, gpu.compute_partition, gpu.memory_partition, size)
