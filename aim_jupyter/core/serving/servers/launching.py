"""From a plan to a server that somebody looks after."""

from __future__ import annotations

import contextlib
import itertools
import shutil
import time
from collections.abc import Iterator

from msgspec.structs import replace

from aim_jupyter.core import config
from aim_jupyter.core.errors import BadUsage, ServerGone, StateUnusable
from aim_jupyter.core.records import Plan, ServerRecord, StageTime
from aim_jupyter.core.serving.jobs import submission
from aim_jupyter.core.serving.servers.recovery import current
from aim_jupyter.core.serving.start import booting, ports
from aim_jupyter.core.serving.state import lock
from aim_jupyter.core.serving.state.folder import (
    LONGEST,
    ServerFolder,
    alone,
    check_name,
    folders,
    make,
    remove,
    show,
)
from aim_jupyter.core.serving.state.process import uptime_s
from aim_jupyter.core.serving.supervisor import spawn


def launch(plan: Plan, *, rename: bool = False) -> ServerFolder:
    """Start a supervisor for `plan` and return the server's folder at once.

    Parameters
    ----------
    rename : bool
        Where the plan's server name is taken, append the first free number to it.

    Raises
    ------
    BadUsage
        If a server of that name is live.
    PortTaken
        If the plan asks for a port that is in use.
    StateUnusable
        If the state directory can't be written; nothing is left behind then.
    """
    check_name(plan.server)
    if plan.port is not None and not plan.on:
        ports.reserve(plan.port)[0].close()
    if plan.on:
        return _handed_in(plan, rename=rename)
    with alone():
        folder = _named(plan, rename=rename)
        held = lock.take(folder.path)
    if held is not None:
        # Else somebody has seen the new server just now, and started a supervisor for it.
        spawn.start(folder, held)
    return folder


def _handed_in(plan: Plan, *, rename: bool) -> ServerFolder:
    """Do the same at a site: its job starts the supervisor."""
    with alone():
        folder = _named(plan, rename=rename)
    try:
        submission.hand_in(folder)
    except BaseException:
        remove(folder)
        raise
    return folder


def _named(plan: Plan, *, rename: bool) -> ServerFolder:
    """Return the folder of a new server, of which the name is free."""
    taken = occupied()
    if rename:
        plan = replace(plan, server=_free_name(plan.server, taken))
    if plan.server in taken:
        raise BadUsage(
            f"A server named {plan.server!r} is already there.",
            f"%aim stop {plan.server}",
        )
    return _prepare(plan)


def occupied() -> set[str]:
    """Return the names that can't be given to a new server.

    Those of live servers, of engines that nobody watches, and of records that can't be read: an
    engine may be behind them.
    """
    names = set()
    for folder in folders():
        try:
            record = current(folder)
        except ServerGone:
            names.add(folder.name)
        else:
            if record.live or record.state == "unknown":
                names.add(folder.name)
    return names


def live() -> Iterator[ServerFolder]:
    """Yield the servers of this user that start or run, and are not being stopped."""
    for folder in folders():
        with contextlib.suppress(ServerGone):
            record = current(folder)
            if record.state in ("starting", "running") and folder.stop_request() is None:
                yield folder


def _free_name(name: str, taken: set[str]) -> str:
    endings = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
    names = (name[: LONGEST - len(ending)] + ending for ending in endings)
    return next(each for each in names if each not in taken)


def _prepare(plan: Plan) -> ServerFolder:
    folder = make(plan.server)
    try:
        folder.make_key()
        lock.prepare(folder.path)
        now = time.time()
        queued = (StageTime(stage="queued", began_at=now),) if plan.on else ()
        folder.write(
            ServerRecord(
                name=plan.server,
                plan=plan,
                host="" if plan.on else config.host(),
                stages=queued,
                created_at=now,
                created_up_s=None if plan.on else uptime_s(),
                expected_s=booting.expected(plan),
            )
        )
        if plan.overridden:
            folder.events.add("fit", f"launched with --force: {plan.overridden}", level="warning")
        # Whoever lists the servers meanwhile sees the whole of it or nothing.
        return show(folder)
    except StateUnusable:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise
