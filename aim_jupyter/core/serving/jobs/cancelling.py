"""Ending a server in a job, and the job."""

from __future__ import annotations

import contextlib
import time

from aim_jupyter.core import config
from aim_jupyter.core.errors import ServerGone, SiteError, StateUnusable
from aim_jupyter.core.places import registry
from aim_jupyter.core.records import Job, ServerRecord
from aim_jupyter.core.serving.jobs import following, submission
from aim_jupyter.core.serving.state.folder import ServerFolder, StopRequest

#: Seconds beyond the drain in which a supervisor has ended its engine, GPUs included.
VERIFY_S = 60.0
#: Seconds in which a site has ended what it was told to end.
GONE_S = 90.0
_LOOK_S = 0.25


def stop(folder: ServerFolder, record: ServerRecord, drain_s: float) -> ServerRecord:
    """Ask the supervisor, cancel what is left, and see that the job has gone.

    Raises
    ------
    ServerGone
        If the site does not end it, or does not say so.
    """
    with contextlib.suppress(StateUnusable):
        folder.ask_stop(StopRequest(drain_s=drain_s, by=config.user()))
    job = record.job or submission.handed_in(folder)
    if record.supervisor is not None and record.state != "unknown":
        _wait_last_word(folder, drain_s + VERIFY_S)
    if job is not None:
        _cancel(folder, job)
        _wait_last_word(folder, 2 * following.SEEN_S)
    return following.current(folder, folder.read())


def _wait_last_word(folder: ServerFolder, limit_s: float) -> None:
    end = time.monotonic() + limit_s
    while following.current(folder, folder.read()).live and time.monotonic() < end:
        time.sleep(_LOOK_S)


def _cancel(folder: ServerFolder, job: Job) -> None:
    """End the job and wait until the site says that it has ended."""
    site = registry.site(job.site)
    place = registry.at(site)
    end = time.monotonic() + GONE_S
    told = False
    while True:
        now = _now(job)
        if now.state == "ended" or (now.state == "ending" and told and "." in job.id):
            return
        if not told and now.state in ("queued", "running") and now.silent_since is None:
            place.end(job)
            told = True
        if time.monotonic() > end:
            silent = f"{site.title} does not answer" if now.silent_since else "it is still there"
            found = f"Job {job.id} of {folder.name!r} was told to end, and {silent}."
            raise ServerGone(found, f"%aim stop {folder.name}")
        time.sleep(_LOOK_S * 2)


def _now(job: Job) -> Job:
    site = registry.site(job.site)
    if "." not in job.id:
        return following.look(job, fresh=True)
    try:
        return registry.at(site).look(job)
    except SiteError:
        return following.look(job, fresh=True)
