"""The runs that are kept: one folder each under the state directory.

::

    runs/<id>/
        run.json    what is asked, what answers, how far it is; atomic
        look.json   what a map does now, each second
        rows.db     rows and answers of a map
        lock        held by the process that works on it
        stop        somebody has asked it to stop
        log         what a process in the background printed
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import msgspec

from aim_jupyter.core import config, files
from aim_jupyter.core.errors import BadUsage, StateUnusable, UnknownName
from aim_jupyter.core.records.kinds import resolved
from aim_jupyter.work.records import Answer, AnyRun, Look, Run, RunState

if TYPE_CHECKING:
    from aim_jupyter.work.map.store import Store

Kind = TypeVar("Kind", bound=Run)

#: Hexadecimal digits of an id at least; more where two would be the same.
DIGITS = 4
#: What a look says whose run nobody works on any more.
ENDED = ("stopped", "done")
#: How often a lock is tried, 20 ms apart: whoever only looks whether it is held has it for less.
_TRIES = 5


class RunFolder:
    """One run; nothing is read before it is asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.id = path.name

    def read(self) -> AnyRun:
        """Return what is known of it.

        Raises
        ------
        StateUnusable
            If it can't be read.
        """
        try:
            read = (self.path / "run.json").read_bytes()
            run: AnyRun = msgspec.json.decode(read, type=resolved(AnyRun))
        except files.UNREADABLE as error:
            raise StateUnusable(
                f"Run {self.id} can't be read: {error}.", f"%aim runs evict {self.id}"
            ) from error
        return run

    def read_as(self, kind: type[Kind]) -> Kind:
        """Return the same of a run of one kind.

        Raises
        ------
        BadUsage
            If it is of another.
        """
        run = self.read()
        if not isinstance(run, kind):
            wanted = kind.__struct_config__.tag
            raise BadUsage(f"Run {self.id} is a {run.kind}, no {wanted}.", "%aim runs")
        return run

    def write(self, run: Run) -> None:
        """Write down how far it is."""
        files.write_atomic(self.path / "run.json", msgspec.json.encode(run))

    def look(self) -> Look | None:
        """Return what it did when it was last looked at, None before."""
        with contextlib.suppress(*files.UNREADABLE):
            return msgspec.json.decode((self.path / "look.json").read_bytes(), type=resolved(Look))
        return None

    def latest(self) -> AnyRun:
        """Return what is known of it, as far as it is now or was when it was killed."""
        run, look = self.read(), self.look()
        return run if look is None or look.run.started_at != run.started_at else look.run

    def show(self, look: Look) -> None:
        """Say what it does now."""
        files.write_atomic(self.path / "look.json", msgspec.json.encode(look))

    def store(self) -> Store:
        """Open its rows."""
        from aim_jupyter.core.serving.start.readahead import is_remote  # noqa: PLC0415 - as below
        from aim_jupyter.work.map.store import Store  # noqa: PLC0415 - SQLite, for rows only

        return Store(self.path / "rows.db", "TRUNCATE" if is_remote(self.path) else "WAL")

    def answers(self) -> list[tuple[int, Answer | None]]:
        """Return what became of each row, with its number."""
        with contextlib.closing(self.store()) as store:
            return list(enumerate(store.results()))

    @contextlib.contextmanager
    def held(self) -> Iterator[bool]:
        """Hold it while rows are asked; gives False where another process does so already."""
        handle = os.open(self.path / "lock", os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            yield any(_locks(handle) for _ in range(_TRIES))
        finally:
            os.close(handle)

    @property
    def working(self) -> bool:
        """Whether a process works on it."""
        with self.held() as free:
            return not free

    def state(self, run: Run) -> RunState:
        """Return what it does now."""
        if self.working:
            return "running"
        return "stopped" if run.left else "done"

    def ask_to_stop(self) -> None:
        """Let the process that works on it keep what is done and leave."""
        (self.path / "stop").touch(mode=0o600)

    def asked_to_stop(self) -> bool:
        """Whether somebody has asked."""
        return (self.path / "stop").exists()

    def go(self) -> None:
        """Take back what an earlier stop has asked."""
        (self.path / "stop").unlink(missing_ok=True)

    def size_bytes(self) -> int:
        """Return what it takes on disk."""
        return sum(path.stat().st_size for path in self.path.iterdir())

    def evict(self) -> None:
        """Remove it with all its answers.

        Raises
        ------
        BadUsage
            If a process works on it.
        """
        with self.held() as free:
            if not free:
                raise BadUsage(f"Run {self.id} is running.", f"%aim runs stop {self.id}")
            shutil.rmtree(self.path)


def _locks(handle: int) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        time.sleep(0.02)
        return False
    return True


def runs_dir() -> Path:
    """Return the folder of all runs; it may be absent."""
    return config.state_dir() / "runs"


def folders() -> list[RunFolder]:
    """Return all runs, the newest first."""
    try:
        found = [path for path in runs_dir().iterdir() if (path / "run.json").exists()]
    except FileNotFoundError:
        return []
    found.sort(key=lambda path: -(path / "run.json").stat().st_mtime)
    return [RunFolder(path) for path in found]


def working() -> list[Look]:
    """Return what each run does that a process works on now, also one without a kernel."""
    looks = [(folder, folder.look()) for folder in folders()]
    live = [(folder, look) for folder, look in looks if look and look.state not in ENDED]
    return [look for folder, look in live if folder.working]


def older(seconds: float) -> list[RunFolder]:
    """Return the runs that nobody works on, and nobody has for so long."""
    before = time.time() - seconds
    found = [one for one in folders() if (one.path / "run.json").stat().st_mtime < before]
    return [one for one in found if not one.working]


def find(name: str | None = None) -> RunFolder:
    """Return the run of that id, or the last.

    Raises
    ------
    UnknownName
        If there is none.
    """
    known = {folder.id: folder for folder in folders()}
    if name is None and known:
        return next(iter(known.values()))
    if name is None or name not in known:
        raise UnknownName("run", name or "at all", known, "%aim runs")
    return known[name]


def folder_for(name: str, run: Run) -> RunFolder:
    """Return the folder of a run, made where there is none; `name` is all that it is known by."""
    files.private_folder(config.state_dir())
    root = files.private_folder(runs_dir())
    for digits in range(DIGITS, len(name) + 1):
        folder = RunFolder(root / f"{run.kind[0]}-{name[:digits]}")
        if not (folder.path / "run.json").exists():
            files.private_folder(folder.path)
            folder.write(msgspec.structs.replace(run, id=folder.id, created_at=time.time()))
            return folder
        known = folder.read()
        if (known.asked, known.served) == (run.asked, run.served):
            return folder
    raise StateUnusable(f"No name is left for a run: {name}.", "%aim runs")
