"""Processes told apart from later ones with the same number, and groups ended for sure.

A pid alone is no identity: it is reused. A process is known here by its pid, its start time and
the boot id of the kernel; a zombie counts as dead, because containers exist whose first process
never reaps. Source of the fields: ``proc(5)``, `/proc/<pid>/stat`.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from aim_jupyter.core.records import ProcessId

_PROC = Path("/proc")


class _Stat(NamedTuple):
    state: str
    parent: int
    group: int
    session: int
    ticks: int
    start: int


def identify(pid: int) -> ProcessId | None:
    """Return the identity of the process `pid`, or None where there is none."""
    stat = _stat(pid)
    return ProcessId(pid, stat.start, boot_id()) if stat else None


def parent(pid: int) -> int | None:
    """Return the pid of a process's parent, None where there is no such process."""
    stat = _stat(pid)
    return stat.parent if stat else None


def alive(process: ProcessId | None) -> bool:
    """Whether this very process still runs; a zombie does not."""
    if process is None or process.boot != boot_id():
        return False
    stat = _stat(process.pid)
    return stat is not None and stat.start == process.start and stat.state not in "ZX"


@functools.cache
def boot_id() -> str:
    """Return the id that the kernel drew when it booted."""
    return (_PROC / "sys/kernel/random/boot_id").read_text().strip()


def uptime_s() -> float:
    """Return the seconds since boot, sleep included: a clock that nobody can set."""
    return time.clock_gettime(time.CLOCK_BOOTTIME)


def members(leader: ProcessId) -> list[int]:
    """Return the living processes of the session and group that `leader` leads or led.

    Only processes that started no earlier than the leader count: the number of a group may be
    used again once all of the old one are gone.
    """
    if leader.boot != boot_id():
        return []
    found = []
    for entry in _PROC.iterdir():
        if not entry.name.isdigit():
            continue
        stat = _stat(int(entry.name))
        if stat is None or stat.state in "ZX" or stat.start < leader.start:
            continue
        if leader.pid in (stat.group, stat.session):
            found.append(int(entry.name))
    return sorted(found)


def descendants(pid: int) -> list[int]:
    """Return a living process and all below it, such as the first one of a container and the rest.

    What is orphaned inside becomes the first one's, so that none is missed.
    """
    below: dict[int, list[int]] = {}
    for entry in _PROC.iterdir():
        stat = _stat(int(entry.name)) if entry.name.isdigit() else None
        if stat is not None and stat.state not in "ZX":
            below.setdefault(stat.parent, []).append(int(entry.name))
    found, new = [], [pid] if _stat(pid) else []
    while new:
        found += new
        new = [child for parent in new for child in below.get(parent, [])]
    return found


def memory_bytes(pids: list[int]) -> int | None:
    """Return the proportional set size of `pids` together, None where none can be read."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in (_PROC / f"{pid}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1]) * 1024
    return total or None


def cpu_ticks(pid: int) -> int | None:
    """Return the CPU time of a process in clock ticks, None where there is no such process.

    Fields 14 and 15 of ``/proc/<pid>/stat``. A child that was waited for is not in it.
    """
    stat = _stat(pid)
    return stat.ticks if stat else None


def signal_group(leader: ProcessId, number: signal.Signals) -> None:
    """Send a signal to every living member of the group; one that has just gone is no error."""
    for pid in members(leader):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def end_group(
    leader: ProcessId,
    *,
    drain_s: float,
    term_s: float = 10.0,
    kill_s: float = 10.0,
    tick: Callable[[], object] = lambda: None,
) -> list[int]:
    """End the group of `leader`: TERM, wait, KILL, verify. Return the pids that are left.

    Parameters
    ----------
    drain_s : float
        Seconds that running requests may take after TERM, which the engine uses to finish them.
    term_s, kill_s : float
        Seconds to wait beyond that after TERM, and after KILL.
    tick
        Called about ten times a second while waiting.

    Notes
    -----
    TERM goes to the leader alone: it drains and then ends its own children. KILL goes to all.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        if alive(leader):
            os.kill(leader.pid, signal.SIGTERM)
    if _gone(leader, drain_s + term_s, tick, leader_only=True):
        # The leader is gone; what it left behind gets a moment, then is killed.
        _gone(leader, 2.0, tick)
    signal_group(leader, signal.SIGKILL)
    _gone(leader, kill_s, tick)
    return members(leader)


def _gone(
    leader: ProcessId, limit_s: float, tick: Callable[[], object], *, leader_only: bool = False
) -> bool:
    end = time.monotonic() + limit_s
    while alive(leader) if leader_only else members(leader):
        if time.monotonic() > end:
            return False
        tick()
        time.sleep(0.1)
    return True


def _stat(pid: int) -> _Stat | None:
    try:
        text = (_PROC / f"{pid}/stat").read_text(errors="replace")
    except OSError:
        return None
    # The second field is the name in brackets and may itself hold spaces and brackets.
    fields = text[text.rfind(")") + 2 :].split()
    parent, group, session, user, system, start = map(
        int, (*fields[1:4], *fields[11:13], fields[19])
    )
    return _Stat(fields[0], parent, group, session, user + system, start)
