"""What becomes of a server whose supervisor is gone: whoever looks next sees to it.

A record that speaks of life is believed while somebody is in charge (`lock`). Where nobody is,
the one who looks takes the lock; of several, one gets it. Then either processes of the engine run,
or there never was one yet: a new supervisor is started and goes on. Or all are gone: the looker
itself writes the last word, which takes a few milliseconds.
"""

from __future__ import annotations

import contextlib
import os
import time

from msgspec.structs import replace

from aim_jupyter.core.errors import StateUnusable
from aim_jupyter.core.records import ServerRecord, State
from aim_jupyter.core.serving.crash import crash
from aim_jupyter.core.serving.jobs import following
from aim_jupyter.core.serving.start import containers, engine
from aim_jupyter.core.serving.state import lock
from aim_jupyter.core.serving.state.folder import ServerFolder
from aim_jupyter.core.serving.state.process import alive, boot_id, members
from aim_jupyter.core.serving.supervisor import spawn

_BOTH_GONE = "its supervisor and its engine are gone"
_RESTARTED = "the machine was restarted"


def current(folder: ServerFolder) -> ServerRecord:
    """Return the record as it is true now, after seeing to a server that nobody looks after.

    Where it can't be known what became of it, because nobody can take charge, it is ``unknown``.

    Raises
    ------
    ServerGone
        If its record can't be read.
    """
    record = folder.read()
    if record.plan.on and folder.owner is None:
        return following.current(folder, record)
    if not record.live or folder.owner is not None or alive(record.supervisor):
        # Of a server that somebody shares, the supervisor itself has just answered.
        return record
    if following.away(record):
        return following.seen(record)
    try:
        held = lock.take(folder.path)
    except StateUnusable as error:
        return _without_lock(folder.read(), error)
    if held is None:
        # Somebody is in charge, or is about to be: what is written is the last that is known.
        return folder.read()
    return _see_to(folder, held)


def _see_to(folder: ServerFolder, lock: int) -> ServerRecord:
    """Do what is to be done for the server whose lock is held here."""
    try:
        record = folder.read()
        if not record.live:
            return record
        found = engine.find(folder.path, record.engine)
        started_here = record.supervisor is None or record.supervisor.boot == boot_id()
        if not started_here:
            return _write_last_word(folder, record, "stopped", _RESTARTED)
        if found is not None and not members(found.id):
            found.poll()
            containers.end(record.plan, folder.path)
            record = replace(record, exit_code=found.exit_code)
            if record.state == "stopping" and record.crash is None:
                return _write_last_word(folder, record, "stopped", record.reason)
            if record.plan.restarts == 0:
                return _write_failure(folder, record)
        handed, lock = lock, -1
        try:
            spawn.start(folder, handed)
        except StateUnusable as error:
            why = f"its supervisor is gone, and no other can be started: {error.found}"
            return replace(folder.read(), state="unknown", reason=why)
        return folder.read()
    finally:
        if lock >= 0:
            os.close(lock)


def _write_failure(folder: ServerFolder, record: ServerRecord) -> ServerRecord:
    why = crash.explain(record.plan, folder.log, record.exit_code, "no engine process left")
    record = replace(record, crash=why)
    return _write_last_word(folder, record, "failed", _BOTH_GONE)


def _write_last_word(
    folder: ServerFolder, record: ServerRecord, state: State, reason: str
) -> ServerRecord:
    record = replace(record, state=state, reason=reason, ended_at=time.time())
    folder.events.add("exit", reason, level="error" if state == "failed" else "info")
    # On a full or read-only disk it is true all the same, and the next look finds it again.
    with contextlib.suppress(StateUnusable):
        folder.write(record)
    return record


def _without_lock(record: ServerRecord, error: StateUnusable) -> ServerRecord:
    """Judge by the processes alone: of a folder from before there were locks, or one unreadable."""
    if not record.live:
        return record
    if record.supervisor is not None and record.supervisor.boot != boot_id():
        return replace(record, state="stopped", reason=_RESTARTED)
    if record.engine is not None and members(record.engine):
        why = f"its supervisor is gone, its engine runs: {error.found}"
        return replace(record, state="unknown", reason=why)
    return replace(record, state="failed", reason=_BOTH_GONE)
