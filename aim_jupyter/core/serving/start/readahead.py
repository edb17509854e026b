"""Weights read into the page cache while the engine imports, so that its own reading finds them.

An engine spends its first seconds importing, with the disk idle; then it reads the weights, with
everything else idle. Here the second begins with the first. Files are read in the order in which
vLLM loads them, by name, and no more of them than fits into the memory that is free: pages beyond
that would push out the first ones before they are used.

On a network file system it is left off: there many engines share one line, and some of those file
systems fill no page cache with what is read.
"""

from __future__ import annotations

import contextlib
import os
import re
import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

#: Share of the free memory that may be filled: the engine itself needs the rest.
SHARE = 0.5
BLOCK_BYTES = 4 << 20
#: Types of ``/proc/self/mountinfo`` whose files lie on another machine, and any of FUSE.
NETWORK = frozenset(
    {"9p", "afs", "beegfs", "ceph", "cifs", "gpfs", "lustre", "nfs", "nfs4", "smb3", "wekafs"}
)
_WEIGHTS = ("*.safetensors", "*.bin", "*.pt", "*.gguf")


class ReadAhead:
    """Reads files in the background until it is told to stop, or memory or files are at an end."""

    def __init__(self, files: Iterable[Path], limit_bytes: int) -> None:
        self._files = list(files)
        self._limit = limit_bytes
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="read-ahead", daemon=True)
        self.read_bytes = 0

    def start(self) -> ReadAhead:
        """Begin, and return at once."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """End; what was read stays in the page cache."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        buffer = bytearray(BLOCK_BYTES)
        for path in self._files:
            # A file that can't be read is the engine's to complain about.
            with contextlib.suppress(OSError), path.open("rb", buffering=0) as file:
                while self.read_bytes < self._limit and not self._stop.is_set():
                    count = file.readinto(buffer)
                    if not count:
                        break
                    self.read_bytes += count


def weights(folder: Path) -> list[Path]:
    """Return the weight files of a model's folder in the order in which they are loaded."""
    for pattern in _WEIGHTS:
        found = sorted(folder.glob(pattern))
        if found:
            return found
    return []


def begin(folder: Path) -> tuple[ReadAhead | None, str]:
    """Begin to read the weights in `folder` ahead; else return why not.

    Returns
    -------
    read_ahead, reason : ReadAhead or None, str
    """
    files = weights(folder)
    if not files:
        return None, "no weight files"
    if is_remote(folder):
        return None, f"the weights lie on {file_system(folder)}"
    free = free_memory_bytes()
    if free is None:
        return None, "it is not known how much memory is free"
    return ReadAhead(files, int(free * SHARE)).start(), ""


def is_remote(path: Path) -> bool:
    """Whether the files there lie on another machine, or may."""
    kind = file_system(path)
    return kind in NETWORK or kind.startswith("fuse")


def file_system(path: Path) -> str:
    """Return the type of the file system that holds `path`, empty where it can't be told.

    Source of the fields: ``proc_pid_mountinfo(5)``.
    """
    real = os.path.realpath(path)
    best, kind = "", ""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/mountinfo").read_text().splitlines():
            before, _, after = line.partition(" - ")
            point = re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), before.split()[4])
            inside = real == point or real.startswith(point.rstrip("/") + "/")
            if inside and len(point) >= len(best):
                best, kind = point, after.split()[0]
    return kind


def free_memory_bytes() -> int | None:
    """Return the memory that can be had without swapping: of the machine, or of our control group.

    Sources: ``proc(5)`` MemAvailable; the kernel's cgroup v2 documentation, memory.max and
    memory.current.
    """
    free = min(_free(), default=None)
    return None if free is None else max(0, free)


def _free() -> Iterator[int]:
    with contextlib.suppress(OSError, ValueError, AttributeError):
        found = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text())
        yield int(found[1]) * 1024  # type: ignore[index]
    with contextlib.suppress(OSError, ValueError):
        group = Path("/proc/self/cgroup").read_text().split("0::")[-1].strip()
        folder = Path("/sys/fs/cgroup") / group.lstrip("/")
        most = (folder / "memory.max").read_text().strip()
        if most != "max":
            yield int(most) - int((folder / "memory.current").read_text())
