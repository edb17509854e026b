"""Ending a server for sure, also when its supervisor is gone."""

from __future__ import annotations

import contextlib
import os
import signal
import time

from msgspec.structs import replace

from aim_jupyter.core import config
from aim_jupyter.core.errors import ServerGone
from aim_jupyter.core.records import ServerRecord
from aim_jupyter.core.serving.folder import ServerFolder, StopRequest
from aim_jupyter.core.serving.process import alive, end_group, members
from aim_jupyter.core.serving.viewing import current

#: Seconds that running requests may take after a stop was asked for.
DRAIN_S = 30.0
#: Seconds beyond that in which the supervisor must have verified the end.
VERIFY_S = 25.0


def stop(folder: ServerFolder, *, drain_s: float = DRAIN_S) -> ServerRecord:
    """End the server: let running requests finish, then end the engine's whole group.

    Parameters
    ----------
    drain_s : float
        Seconds that running requests may take; 0 cuts them off.

    Returns
    -------
    ServerRecord
        As it was written after the end was verified. Stopping an ended server changes nothing.

    Raises
    ------
    ServerGone
        If a process of the engine could not be ended.
    """
    record = current(folder)
    if record.supervisor is not None and alive(record.supervisor):
        record = _ask_supervisor(folder, record, drain_s)
    if record.engine is not None and members(record.engine):
        record = _end_orphan(folder, record, drain_s)
    elif record.state != folder.read().state:
        # Nobody is left to write down what is true now.
        record = replace(record, ended_at=time.time())
        folder.write(record)
    left = members(record.engine) if record.engine else []
    if left:
        raise ServerGone(
            f"Processes {', '.join(map(str, left))} of {folder.name!r} could not be ended.",
            "%aim doctor",
        )
    return record


def _ask_supervisor(folder: ServerFolder, record: ServerRecord, drain_s: float) -> ServerRecord:
    supervisor = record.supervisor
    assert supervisor is not None  # noqa: S101 - the caller has just seen it alive
    folder.ask_stop(StopRequest(drain_s=drain_s, by=config.user()))
    with contextlib.suppress(ProcessLookupError):
        os.kill(supervisor.pid, signal.SIGTERM)
    end = time.monotonic() + drain_s + VERIFY_S
    while alive(supervisor) and time.monotonic() < end:
        time.sleep(0.05)
    return current(folder)


def _end_orphan(folder: ServerFolder, record: ServerRecord, drain_s: float) -> ServerRecord:
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
    folder.write(record)
    return record
