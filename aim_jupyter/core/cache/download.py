"""A download that runs: the child that does it, and what it looks like from outside.

The child does the work and imports what it needs for that; whoever watches stays small and only
looks at the sizes on disk.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
from collections import deque
from pathlib import Path

import msgspec

from aim_jupyter.core import config, errors, files
from aim_jupyter.core.cache import roots
from aim_jupyter.core.cache.fetching import Outcome
from aim_jupyter.core.cache.locating import locate
from aim_jupyter.core.cache.scan import INCOMPLETE
from aim_jupyter.core.errors import AimError, ModelMissing
from aim_jupyter.core.records import Arriving, Progress
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
    revision : str or None
    folder : pathlib.Path
        Where its outcome is written: ``download.json``.
    """

    def __init__(self, repo: str, revision: str | None, folder: Path) -> None:
        self.repo = repo
        self._revision = revision
        self._outcome = folder / "download.json"
        self._outcome.unlink(missing_ok=True)
        self._blobs = config.model_cache_dir() / roots.folder_name(repo) / "blobs"
        self._past = deque[tuple[float, int]]()
        path = os.pathsep.join(filter(None, (os.environ.get("PYTHONPATH"), _PACKAGE)))
        self._child = subprocess.Popen(
            [
                *(sys.executable, "-m", "aim_jupyter.core.cache.fetching"),
                *(repo, revision or "", str(self._outcome)),
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
        sizes = _sizes(self._blobs)
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
                f"%aim cache prefetch {self.repo}: it goes on where it stopped",
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


def bytes_on_disk(repo: str) -> int:
    """Return the bytes of a repository that have arrived in the own cache, unfinished included."""
    return sum(_sizes(config.model_cache_dir() / roots.folder_name(repo) / "blobs").values())


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
