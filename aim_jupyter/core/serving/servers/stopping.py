"""Ending a server for sure, also when its supervisor is lost on the way."""

from __future__ import annotations

import contextlib
import os
import signal
import time

from msgspec.structs import replace

from aim_jupyter.core import config
from aim_jupyter.core.defaults import DRAIN_S
from aim_jupyter.core.errors import BadUsage, NotOwner, ServerGone, StateUnusable
from aim_jupyter.core.records import ProcessId, ServerRecord
from aim_jupyter.core.serving.jobs import cancelling
from aim_jupyter.core.serving.servers.recovery import current
from aim_jupyter.core.serving.start import containers
from aim_jupyter.core.serving.state import lock
from aim_jupyter.core.serving.state.folder import ServerFolder, StopRequest, alone, remove
from aim_jupyter.core.serving.state.process import alive, end_group, members

#: Seconds beyond the drain in which the supervisor must have verified the end; GPUs take longer.
VERIFY_S = 25.0
SETTLE_S = 35.0
_LOOK_S = 0.05


def stop(folder: ServerFolder, *, drain_s: float = DRAIN_S) -> ServerRecord:
    """End the server: let running requests finish, then end the engine's whole group.

    Parameters
    ----------
    drain_s : float
        Seconds that running requests may take; 0 cuts them off.

    Returns
    -------
    ServerRecord
        As it was written after the end was verified: no process of the engine is left, and its
        GPUs' memory is free, or `reason` says who holds what. Stopping an ended server changes
        nothing.

    Raises
    ------
    NotOwner
        If another user shares it with this one.
    ServerGone
        If a process of the engine could not be ended.
    """
    check_own(folder)
    record = current(folder)
    if record.plan.on:
        was_live = record.live or record.state == "unknown"
        return cancelling.stop(folder, record, drain_s) if was_live else record
    was_live = record.live or record.state == "unknown"
    if record.live:
        record = _ask_supervisor(folder, drain_s, record)
    if record.engine is not None and members(record.engine):
        record = _end_without_supervisor(folder, record, drain_s)
    elif record.state in ("failed", "stopped") and folder.read().live:
        # Nobody can take charge and write down what is true now: a folder without a lock.
        record = replace(record, ended_at=time.time())
        with contextlib.suppress(StateUnusable):
            folder.write(record)
    left = [f"process {pid}" for pid in (members(record.engine) if record.engine else ())]
    if was_live:
        # One that outlives its supervisor ends by itself; this is for the one that does not.
        left += containers.end(record.plan, folder.path)
    if left:
        found = f"What is left of {folder.name!r} could not be ended: {', '.join(left)}."
        raise ServerGone(found, "%aim doctor")
    return record


def forget(folder: ServerFolder) -> None:
    """Remove what is kept of an ended server: its record, its log, its history.

    Raises
    ------
    NotOwner
        If another user shares it with this one.
    BadUsage
        If it has not ended, or it is not known whether it has.
    """
    check_own(folder)
    with alone():
        record = current(folder)
        if record.state not in ("stopped", "failed"):
            raise BadUsage(f"Server {folder.name!r} is {record.state}.", f"%aim stop {folder.name}")
        remove(folder)


def check_own(folder: ServerFolder) -> None:
    """Raise `NotOwner` for a server that another user shares with this one."""
    if folder.owner is not None:
        found = f"{folder.name!r} is {folder.owner}'s, and can be stopped by {folder.owner} alone."
        raise NotOwner(found, f"ask {folder.owner}")


def _ask_supervisor(folder: ServerFolder, drain_s: float, record: ServerRecord) -> ServerRecord:
    """Ask whoever is in charge, again where that one was lost, and wait for the last word."""
    with contextlib.suppress(StateUnusable):
        # On a full disk the signal alone has to do: running requests then get the usual time.
        folder.ask_stop(StopRequest(drain_s=drain_s, by=config.user()))
    end = time.monotonic() + drain_s + VERIFY_S + (SETTLE_S if record.plan.gpus else 0.0)
    told: ProcessId | None = None
    while record.live and time.monotonic() < end:
        supervisor = _supervisor(folder, record)
        if supervisor is not None and supervisor != told:
            told = supervisor
            with contextlib.suppress(ProcessLookupError):
                os.kill(supervisor.pid, signal.SIGTERM)
        time.sleep(_LOOK_S)
        seen = current(folder)
        if seen.created_at != record.created_at:
            # It has ended, and another server has its name and its folder already.
            return replace(record, state="stopped", engine=None)
        record = seen
    # Its last word is written: it leaves now.
    moment = time.monotonic() + 1.0
    while alive(told) and time.monotonic() < moment:
        time.sleep(_LOOK_S / 5)
    return record


def _supervisor(folder: ServerFolder, record: ServerRecord) -> ProcessId | None:
    for known in (record.supervisor, lock.holder(folder.path)):
        if alive(known):
            return known
    return None


def _end_without_supervisor(
    folder: ServerFolder, record: ServerRecord, drain_s: float
) -> ServerRecord:
    """End an engine that nobody supervises and nobody can: the state folder is damaged."""
    engine = record.engine
    assert engine is not None  # noqa: S101 - the caller has just seen its processes
    left = end_group(engine, drain_s=drain_s)
    folder.events.add(
        "stop", f"engine without a supervisor ended by {config.user()}", level="warning"
    )
    record = replace(
        record,
        state="unknown" if left else "stopped",
        ended_at=time.time(),
        reason=f"stopped by {config.user()}; its supervisor was gone",
    )
    with contextlib.suppress(StateUnusable):
        folder.write(record)
    return record
