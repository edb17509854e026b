"""Servers as anybody sees them, told truthfully also when their supervisor is gone."""

from __future__ import annotations

import time

from msgspec.structs import replace

from aim_jupyter.core import metrics
from aim_jupyter.core.records import Sample, ServerRecord, ServerView
from aim_jupyter.core.serving import starts
from aim_jupyter.core.serving.folder import ServerFolder
from aim_jupyter.core.serving.process import alive, boot_id, members

#: Seconds that `%aim metrics` looks back.
WINDOW_S = 60.0
#: Seconds that a server's folder may be without a supervisor while it is being launched.
HANDOVER_S = 20.0
#: Seconds after which a sample says nothing of now: three looks without an answer.
OLD_S = 25.0


def current(folder: ServerFolder) -> ServerRecord:
    """Return the record, corrected by what the processes say.

    A record that speaks of life is believed only while its supervisor lives. Without one, a server
    whose engine still runs is ``unknown`` (nobody watches it), one without any process ``failed``,
    and one from before the last boot ``stopped``.
    """
    record = folder.read()
    if not record.live or alive(record.supervisor):
        return record
    # It may have written its last word after the record was read and before it was seen dead.
    record = folder.read()
    if not record.live:
        return record
    if record.supervisor is None and time.time() - record.created_at < HANDOVER_S:
        return record
    if record.supervisor is not None and record.supervisor.boot != boot_id():
        return replace(record, state="stopped", reason="the machine was restarted")
    if record.engine is not None and members(record.engine):
        return replace(record, state="unknown", reason="its supervisor is gone, its engine runs")
    return replace(record, state="failed", reason="its supervisor and its engine are gone")


def view(folder: ServerFolder) -> ServerView:
    """Return the server with its figures as of now."""
    record = current(folder)
    now = time.time()
    seen = sample(folder) if record.state == "running" else None
    idle_s = seen.idle_s if seen else None
    limit = record.plan.idle_s
    return ServerView(
        record=record,
        sample=seen,
        uptime_s=now - record.ready_at if record.ready_at and record.live else None,
        eta_s=_eta(record, now),
        idle_s=idle_s,
        idle_left_s=max(0.0, limit - idle_s) if limit is not None and idle_s is not None else None,
    )


def sample(folder: ServerFolder) -> Sample | None:
    """Return the activity of the last minute, None while there is nothing newer than `OLD_S`.

    The supervisor measures once a second; whoever looks reads what it has written.
    """
    now = metrics.latest(folder.path)
    if now is None or time.time() - now.at > OLD_S:
        return None
    return metrics.between(metrics.before(folder.path, now.at - WINDOW_S), now)


def _eta(record: ServerRecord, now: float) -> float | None:
    if record.state != "starting":
        return None
    return starts.remaining_s(record.stages, record.expected_s, now)
