"""From a plan to a server that somebody looks after."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from msgspec.structs import replace

from aim_jupyter.core import files
from aim_jupyter.core.errors import BadUsage, ServerGone, StateUnusable
from aim_jupyter.core.records import Plan, ServerRecord
from aim_jupyter.core.serving import ports, starts
from aim_jupyter.core.serving.engine import PACKAGE
from aim_jupyter.core.serving.folder import (
    LONGEST,
    ServerFolder,
    check_name,
    folders,
    lock,
    make,
    show,
)
from aim_jupyter.core.serving.viewing import current

HANDOVER_S = 20.0


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
    if plan.port is not None:
        ports.reserve(plan.port)[0].close()
    with lock():
        taken = occupied()
        if rename:
            plan = replace(plan, server=_free_name(plan.server, taken))
        if plan.server in taken:
            raise BadUsage(
                f"A server named {plan.server!r} is already there.",
                f"%aim stop {plan.server}, or choose another name with --name",
            )
        folder = _prepare(plan)
    supervise(folder)
    return folder


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


def running_for(plan: Plan) -> ServerFolder | None:
    """Return the live server that was launched with the same command, if there is one."""
    for folder in folders():
        with contextlib.suppress(ServerGone):
            record = current(folder)
            if record.plan.command == plan.command and record.state in ("starting", "running"):
                return folder
    return None


def supervise(folder: ServerFolder) -> None:
    """Start a supervisor for the server of `folder` and wait until it has taken charge.

    Raises
    ------
    StateUnusable
        If it did not; its own words are in ``supervisor.log``.
    """
    log = folder.path / "supervisor.log"
    with log.open("ab") as output:
        try:
            code = subprocess.run(
                [sys.executable, "-m", "aim_jupyter.core.serving", str(folder.path)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=_environment(),
                timeout=HANDOVER_S,
                check=False,
            ).returncode
        except subprocess.TimeoutExpired:
            code = None
    if code != 0:
        raise StateUnusable(
            f"The supervisor of {folder.name!r} did not start: {_last_words(log)}",
            f"look into {log}",
        )


def _free_name(name: str, taken: set[str]) -> str:
    endings = itertools.chain([""], (f"-{number}" for number in itertools.count(2)))
    names = (name[: LONGEST - len(ending)] + ending for ending in endings)
    return next(each for each in names if each not in taken)


def _prepare(plan: Plan) -> ServerFolder:
    folder = make(plan.server)
    try:
        folder.make_key()
        folder.write(
            ServerRecord(
                name=plan.server,
                plan=plan,
                created_at=time.time(),
                expected_s=starts.expected(plan),
            )
        )
        # Whoever lists the servers meanwhile sees the whole of it or nothing.
        return show(folder)
    except StateUnusable:
        shutil.rmtree(folder.path, ignore_errors=True)
        raise


def _environment() -> dict[str, str]:
    """Return ours, with this package importable whatever the working directory is."""
    path = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), PACKAGE)))
    return {**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"}


def _last_words(log: Path) -> str:
    lines = files.tail(log, 1)
    return lines[-1] if lines else "it said nothing."
