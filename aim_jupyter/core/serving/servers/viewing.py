"""Servers as anybody sees them, told truthfully also when their supervisor is gone."""

from __future__ import annotations

import time

from aim_jupyter.core import metrics
from aim_jupyter.core.defaults import WINDOW_S
from aim_jupyter.core.records import Sample, ServerRecord, ServerView
from aim_jupyter.core.serving.servers.recovery import current
from aim_jupyter.core.serving.state import starts
from aim_jupyter.core.serving.state.folder import ServerFolder
from aim_jupyter.core.serving.state.process import uptime_s

#: Seconds after which a sample says nothing of now: three looks without an answer.
OLD_S = 25.0


def view(folder: ServerFolder, *, window_s: float = WINDOW_S) -> ServerView:
    """Return the server with its figures as of now.

    Parameters
    ----------
    window_s : float
        Seconds that rates and quantiles look back.
    """
    record = current(folder)
    now = time.time()
    seen = sample(folder, window_s) if record.state == "running" else None
    idle_s = seen.idle_s if seen else None
    limit = record.plan.idle_s
    return ServerView(
        record=record,
        shared_by=folder.owner,
        sample=seen,
        uptime_s=_uptime_s(record, now),
        eta_s=_eta(record, now),
        idle_s=idle_s,
        idle_left_s=max(0.0, limit - idle_s) if limit is not None and idle_s is not None else None,
    )


def sample(folder: ServerFolder, window_s: float = WINDOW_S) -> Sample | None:
    """Return the activity of the last seconds, None where there is nothing newer than `OLD_S`.

    The supervisor measures once a second; whoever looks reads what it has written.
    """
    now = metrics.latest(folder.path)
    if now is None or time.time() - now.at > OLD_S:
        return None
    return metrics.between(metrics.before(folder.path, now.at - window_s), now)


def _uptime_s(record: ServerRecord, now: float) -> float | None:
    """Return how long it serves; of one on another machine by the clock on the wall."""
    if not record.live or record.ready_at is None:
        return None
    if record.away or record.ready_up_s is None:
        return max(0.0, now - record.ready_at)
    return uptime_s() - record.ready_up_s


def _eta(record: ServerRecord, now: float) -> float | None:
    if record.state != "starting" or record.waits:
        return None
    return starts.remaining_s(record.stages, record.expected_s, now)
