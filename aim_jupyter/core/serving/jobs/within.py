"""What a supervisor does differently where it is the command of a job."""

from __future__ import annotations

import os
import time

from msgspec.structs import replace

from aim_jupyter.core import config
from aim_jupyter.core.defaults import DRAIN_S
from aim_jupyter.core.errors import AimError
from aim_jupyter.core.places import registry
from aim_jupyter.core.records import ServerRecord, StageTime
from aim_jupyter.core.serving.start import engine
from aim_jupyter.core.serving.state import lock
from aim_jupyter.core.serving.state.folder import ServerFolder
from aim_jupyter.core.serving.state.process import uptime_s


def begin(folder: ServerFolder) -> int | None:
    """Take charge of a server whose job has begun; return the open lock, None where it has ended.

    A job that was put back into the queue begins anew: what ran before was on a node that it has
    lost. The site starts no job twice, so that what the lock says on the shared disk is not asked.
    """
    record = folder.read()
    if not record.live:
        return None
    handle = lock.take(folder.path)
    if handle is None:
        handle = os.open(folder.path / lock.NAME, os.O_RDWR | os.O_CLOEXEC)
    engine.forget(folder.path)
    folder.write(_anew(record))
    return handle


def _anew(record: ServerRecord) -> ServerRecord:
    site = registry.site(record.plan.on)
    now = time.time()
    # How long it waited is told; of one that ran before, since when nobody knows.
    waited = round(now - record.created_at, 3) if record.supervisor is None else 0.0
    again = 0 if record.supervisor is None else 1
    return replace(
        record,
        state="starting",
        reason="began again: its job was put back into the queue" if again else "",
        host=config.host(),
        job=registry.at(site).own(),
        stages=(StageTime(stage="queued", began_at=now - waited, took_s=waited),),
        supervisor=None,
        engine=None,
        port=None,
        socket="",
        ready_at=None,
        ready_up_s=None,
        idle_since=None,
        idle_up_s=None,
        created_up_s=uptime_s(),
        crash=None,
        exit_code=None,
    )


def notice(record: ServerRecord) -> tuple[str, float]:
    """Return why the job was just told to end, and how many seconds running requests may take."""
    try:
        site = registry.site(record.plan.on)
        assert record.job is not None  # noqa: S101 - the caller has seen it
        told = registry.at(site).notice(record.job)
    except AimError:
        return "its job was told to end", DRAIN_S
    return told.why, told.left_s
