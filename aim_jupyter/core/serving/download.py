"""The first stage of a start: the model's files, fetched by a child of the supervisor.

The child does the work and imports what it needs for that; the supervisor stays small and only
looks at the sizes on disk.
"""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import msgspec

from aim_jupyter.core import cache, files
from aim_jupyter.core.cache.fetching import Outcome
from aim_jupyter.core.errors import ModelMissing

GIB = 1 << 30

_OUTCOME = msgspec.json.Decoder(Outcome)


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
        self._began = time.monotonic()
        self._had = cache.bytes_on_disk(repo)
        self._child = subprocess.Popen(
            [
                *(sys.executable, "-m", "aim_jupyter.core.cache.fetching"),
                *(repo, revision or "", str(self._outcome)),
            ],
            stdin=subprocess.DEVNULL,
        )

    def poll(self) -> int | None:
        """Return the exit code once it has ended, else None."""
        return self._child.poll()

    def end(self) -> None:
        """Stop it; what has arrived stays, and the next download goes on from there."""
        self._child.terminate()
        self._child.wait()

    def progress(self) -> tuple[str, float | None]:
        """Return what the card says, and the share that is done where the size is known."""
        total = self._read().total_bytes
        done = cache.bytes_on_disk(self.repo)
        rate = (done - self._had) / max(0.1, time.monotonic() - self._began)
        speed = f" · {rate / (1 << 20):.0f} MiB/s" if rate > 0 else ""
        if not total:
            return f"{done / GIB:.1f} GiB{speed}", None
        share = min(1.0, done / total)
        return f"{done / GIB:.1f} of {total / GIB:.1f} GiB{speed}", share

    def check(self) -> None:
        """Raise what the child met.

        Raises
        ------
        ModelMissing
            With the reason and what to do, if the model is not complete now.
        """
        outcome = self._read()
        if self._child.returncode != 0 or outcome.error:
            raise ModelMissing(
                outcome.error or f"The download of {self.repo} ended early.",
                outcome.hint or f"%aim launch {self.repo}: it goes on where it stopped",
            )
        missing = cache.locate(self.repo, self._revision).missing
        weights = [name for name in missing if name.endswith((".safetensors", ".bin"))]
        if weights:
            raise ModelMissing(
                f"{self.repo} has been downloaded, but {weights[0]} did not come.",
                f"%aim launch {self.repo} again, or a repository with weights as safetensors",
            )

    def _read(self) -> Outcome:
        try:
            return _OUTCOME.decode(self._outcome.read_bytes())
        except files.UNREADABLE:
            return Outcome()
