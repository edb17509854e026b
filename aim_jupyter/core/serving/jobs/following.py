"""What is true of a server in a job: what its supervisor wrote, and what the site says of the job.

The supervisor writes the record on the disk that both share. Whether the job waits, runs or has
ended the site knows better: a node that is lost takes the supervisor along. Who looks from another
machine believes no pid, no lock and no clock since boot of the record's.
"""

from __future__ import annotations

import contextlib
import time

from msgspec.structs import replace

from aim_jupyter.core import config, files, metrics
from aim_jupyter.core.errors import AimError, StateUnusable
from aim_jupyter.core.places import asking, registry
from aim_jupyter.core.records import Address, Crash, Job, ServerRecord, StageTime
from aim_jupyter.core.serving.jobs import submission, ways
from aim_jupyter.core.serving.state.folder import ServerFolder, alone
from aim_jupyter.core.serving.state.process import alive, boot_id

#: What every place says of a job that somebody has cancelled.
CANCELLED = "it was cancelled"
#: Seconds in which what a supervisor wrote last is seen by all machines.
SEEN_S = 3.0
#: Seconds in which a job that is being handed in has got its number.
HANDED_IN_S = 90.0
#: Seconds without a sign of life, while the site is silent, after which nobody knows.
QUIET_S = 120.0


def away(record: ServerRecord) -> bool:
    """Whether a record is of another machine than this one."""
    if record.supervisor is not None and record.supervisor.boot == boot_id():
        return False
    return bool(record.host) and record.host != config.host()


def current(folder: ServerFolder, record: ServerRecord) -> ServerRecord:
    """Return the record of a server in a job as it is true now."""
    if not record.live:
        return record
    known = record.job or submission.handed_in(folder)
    if known is None:
        return _unsubmitted(folder, record)
    try:
        job = look(known, since=record.created_at)
    except AimError as error:
        # Its site is not described any more, or not as it was.
        return replace(record, state="unknown", reason=error.found, job=known, away=away(record))
    if record.job is not None and job.state == "queued" and job.at <= record.job.at:
        # It has begun since the site was asked: its own word is newer.
        job = record.job
    if job.state == "queued":
        return _queued(record, job)
    if job.state == "ended" or _lost_step(record, job):
        return _ended(folder, replace(job, state="ended"))
    return _running(folder, record, job)


def look(known: Job, *, since: float = 0.0, fresh: bool = False) -> Job:
    """Return what a site says of a job; `since` is when it was handed in.

    Raises
    ------
    SiteError, UnknownName
        If the site is not there any more.
    """
    site = registry.site(known.site)
    told = asking.jobs(site, fresh=fresh)
    if told.asked_at < since + 1.0 and not fresh:
        told = asking.jobs(site, fresh=True)
    number = known.id.partition(".")[0]
    found = next((job for job in told.jobs if job.id == number), None)
    if told.silent_since is not None:
        return replace(found or known, id=known.id, silent_since=told.silent_since)
    if found is None:
        return registry.at(site).look(replace(known, id=number))
    # A step is as its job is; where it ran is known better by itself.
    return replace(found, id=known.id, node=known.node or found.node)


def seen(record: ServerRecord) -> ServerRecord:
    """Return the record of a server on another machine, in no job: as it was written there."""
    why = f"it is on {record.host}, which can't be asked from here"
    return replace(record, state="unknown", reason=why, away=True)


def _lost_step(record: ServerRecord, job: Job) -> bool:
    """Whether a step of a job that goes on has gone: seen where it ran."""
    here = record.supervisor is not None and record.supervisor.boot == boot_id()
    return "." in job.id and here and not alive(record.supervisor)


def _unsubmitted(folder: ServerFolder, record: ServerRecord) -> ServerRecord:
    if time.time() - record.created_at < HANDED_IN_S:
        return record
    return _last_word(folder, Crash(what="Its job was never handed in."))


def _queued(record: ServerRecord, job: Job) -> ServerRecord:
    """Return what is true while nothing runs: also of one that ran, and was put back."""
    again = record.supervisor is not None
    since = job.at if again else record.created_at
    return replace(
        record,
        state="starting",
        reason="put back into the queue" if again else "",
        stages=(StageTime(stage="queued", began_at=since, detail=waiting(job)),),
        job=job,
        away=True,
        supervisor=None,
        engine=None,
        port=None,
        socket="",
        ready_at=None,
        ready_up_s=None,
        crash=None,
    )


def waiting(job: Job) -> str:
    """Return why a job waits, in words.

    Examples
    --------
    >>> waiting(Job(site="slurm", id="7", partition="gpu", reason="Priority"))
    'job 7 in gpu · slurm says Priority · expected start unknown'
    """
    words = [f"job {job.id}" + (f" in {job.partition}" if job.partition else "")]
    if job.reason:
        at = "unknown"
        if job.starts_at is not None:
            at = time.strftime("%H:%M", time.localtime(job.starts_at))
        words += [f"{job.site} says {job.reason}", f"expected start {at}"]
    return " · ".join(words)


def _running(folder: ServerFolder, record: ServerRecord, job: Job) -> ServerRecord:
    there = away(record) or record.supervisor is None
    record = replace(record, job=job, away=there, reached=_reached(folder) if there else None)
    if there:
        record = replace(record, socket="")
    if job.silent_since is None:
        return record
    at = time.strftime("%H:%M", time.localtime(job.silent_since))
    why = f"{job.site} has not answered since {at}"
    if time.time() - max(job.silent_since, _heard_at(folder)) > QUIET_S:
        return replace(record, state="unknown", reason=why)
    return replace(record, reason=why)


def _reached(folder: ServerFolder) -> Address | None:
    port = ways.open_port(folder)
    return Address(port=port) if port else None


def _heard_at(folder: ServerFolder) -> float:
    sample = metrics.latest(folder.path)
    return sample.at if sample is not None else 0.0


def _ended(folder: ServerFolder, job: Job) -> ServerRecord:
    record = folder.read()
    if not record.live:
        return record
    if job.ends_at is not None and 0 <= time.time() - job.ends_at < SEEN_S:
        # The last word of its supervisor may be on its way to this machine.
        return replace(record, state="stopping", job=job, away=True, reason=job.cause)
    return _last_word(folder, _why(folder, record, job), job)


def _why(folder: ServerFolder, record: ServerRecord, job: Job) -> Crash:
    said = files.tail(folder.path / "job.log", 1) if (folder.path / "job.log").exists() else []
    what = f"The job ended: {job.cause or 'its supervisor said no last word'}."
    cause = f"Job {job.id}" + (f" ran on {job.node}." if job.node else " did not run.")
    if job.cause == "time limit" and record.plan.lifetime_s:
        cause = f"The launch asked for {record.plan.lifetime_s / 60:.0f} min: --for asks for more."
    return Crash(what=what, line=said[-1] if said else "", cause=cause, known=bool(job.cause))


def _last_word(folder: ServerFolder, why: Crash, job: Job | None = None) -> ServerRecord:
    with alone():
        record = folder.read()
        if not record.live:
            return record
        request = folder.stop_request()
        cancelled = job is not None and job.cause == CANCELLED
        stopped = request is not None or cancelled
        by_hand = f"stopped by {request.by}" if request else CANCELLED
        reason = by_hand if stopped else why.what
        record = replace(
            record,
            state="stopped" if stopped else "failed",
            reason=reason,
            crash=None if stopped else why,
            ended_at=time.time(),
            job=job,
        )
        folder.events.add("exit", reason, level="info" if stopped else "error")
        with contextlib.suppress(StateUnusable):
            folder.write(record)
    return record
