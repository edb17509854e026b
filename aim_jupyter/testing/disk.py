"""A small disk of its own, which can be full, or without inodes, and then again not."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from pathlib import Path
from typing import Literal

Fault = Literal["bytes", "inodes"]
FAULTS: tuple[Fault, ...] = ("bytes", "inodes")
#: A launch wants 256 MiB free.
_SIZE, _INODES = "300m", 4000
_BLOCKS = (1 << 24, 1 << 16, 4096)


class Disk:
    """A file system in memory, mounted at a folder; only root can make one.

    Parameters
    ----------
    folder : Path
        Made where it is absent. What is written goes below `home`, which can be removed anew.

    Raises
    ------
    OSError
        If it can't be mounted.
    """

    def __init__(self, folder: Path) -> None:
        self.home = folder / "home"
        self._folder, self._filler = folder, folder / "filler"
        folder.mkdir(parents=True, exist_ok=True)
        options = f"size={_SIZE},nr_inodes={_INODES},mode=0700"
        words = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
        done = subprocess.run(words, capture_output=True, text=True, check=False)
        if done.returncode:
            raise OSError(done.returncode, done.stderr.strip())
        self.home.mkdir(mode=0o700)

    def fill(self, fault: Fault) -> None:
        """Take all the room that is left, to the last block or the last inode."""
        self._filler.mkdir(exist_ok=True)
        with contextlib.suppress(OSError):
            if fault == "inodes":
                for number in range(_INODES):
                    (self._filler / str(number)).touch()
                return
            with (self._filler / "bytes").open("wb", buffering=0) as file:
                for size in _BLOCKS:
                    with contextlib.suppress(OSError):
                        while True:
                            os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), size)

    def free(self) -> None:
        """Give it back."""
        shutil.rmtree(self._filler, ignore_errors=True)

    def end(self) -> None:
        """Unmount it; lazily, since a supervisor that is just ending may still stand in it."""
        subprocess.run(["umount", "--lazy", str(self._folder)], check=True)
