"""The way from this machine to a server on another one: a relay of its own, opened when needed."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from pathlib import Path

import msgspec
from msgspec import Struct

from aim_jupyter.core import config, files
from aim_jupyter.core.errors import ServerGone
from aim_jupyter.core.places import asking, registry, relay
from aim_jupyter.core.records import Job, ProcessId, ServerRecord
from aim_jupyter.core.records.kinds import resolved
from aim_jupyter.core.serving.start.engine import PACKAGE
from aim_jupyter.core.serving.state.folder import ServerFolder
from aim_jupyter.core.serving.state.process import alive, identify

#: Seconds after which a way that nobody uses is closed; the next client opens it again.
IDLE_S = 900.0


class Way(Struct, frozen=True, kw_only=True):
    """A relay of this machine: `port` is kept for the next one."""

    process: ProcessId
    port: int
    target: str


_WAY = msgspec.json.Decoder(resolved(Way))


def open_port(folder: ServerFolder) -> int:
    """Return the port of this machine that leads to a server, 0 where no way is open."""
    way = _read(folder)
    return way.port if way is not None and alive(way.process) else 0


def open_way(folder: ServerFolder, record: ServerRecord, job: Job) -> int:
    """Open the way to a server and return its port.

    Parameters
    ----------
    record : ServerRecord
        As its supervisor wrote it.

    Raises
    ------
    ServerGone
        If its node can't be reached.
    """
    target = f"unix:{record.socket}" if record.socket else f"127.0.0.1:{record.port}"
    with files.locked(folder.path / f"way.{config.host()}.lock"):
        before = _read(folder)
        if before is not None and before.target == target and alive(before.process):
            return before.port
        port = record.plan.port or (before.port if before is not None else 0)
        made = _start(folder, port, _words(job, target), target)
        files.write_atomic(_file(folder), msgspec.json.encode(made))
    return made.port


def _words(job: Job, target: str) -> list[str]:
    site = registry.site(job.site)
    program = [sys.executable, "-m", relay.__name__, "far", target]
    return [*registry.at(site).way(job), "env", f"PYTHONPATH={PACKAGE}", *program]


def _start(folder: ServerFolder, port: int, way: list[str], target: str) -> Way:
    argv = [sys.executable, "-m", relay.__name__, "near", str(port), str(IDLE_S), *way]
    path = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), PACKAGE)))
    log = folder.path / "way.log"
    with log.open("ab") as words:
        done = subprocess.run(
            argv,
            env={**asking.environment(), "PYTHONPATH": path, "PYTHONSAFEPATH": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=words,
            text=True,
            check=False,
        )
    numbers = done.stdout.split()
    known = identify(int(numbers[0])) if len(numbers) == 2 else None  # noqa: PLR2004 - pid, port
    if known is None:
        said = files.tail(log, 1)
        raise ServerGone(
            f"The node of {folder.name!r} can't be reached: {said[-1] if said else 'no answer'}.",
            f"look into {log}",
        )
    return Way(process=known, port=int(numbers[1]), target=target)


def _file(folder: ServerFolder) -> Path:
    return folder.path / f"way.{config.host()}.json"


def _read(folder: ServerFolder) -> Way | None:
    with contextlib.suppress(*files.UNREADABLE):
        return _WAY.decode(_file(folder).read_bytes())
    return None
