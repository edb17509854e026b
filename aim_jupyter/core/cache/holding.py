"""Who uses a model: a lock on its folder, which lasts as long as one process of an engine.

A shared `flock` on the folder itself needs no right to write there, is seen by all users of the
node, and goes with the last process that holds it, however that ends. Whoever evicts must have the
folder for itself. The lock says *that* somebody uses a model; who it is, ``/proc/locks`` may tell.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

from aim_jupyter.core import users
from aim_jupyter.core.errors import ModelMissing, StateUnusable

LOCKS = Path("/proc/locks")
#: Of a line of ``/proc/locks``: number, FLOCK, ADVISORY, READ or WRITE, pid, device:inode, ….
_PID, _INODE, _WORDS = 4, 5, 8


@contextlib.contextmanager
def using(folder: Path | None) -> Iterator[tuple[int, ...]]:
    """Hold `folder` inside the block; give what a child has to inherit to hold it too.

    Raises
    ------
    ModelMissing
        If it is being evicted at this moment.
    """
    handle = _open(folder) if folder is not None else None
    if handle is None:
        # What can't be opened can't be held; whether it can be used, the engine will say.
        yield ()
        return
    try:
        if not _lock(handle, fcntl.LOCK_SH):
            raise ModelMissing(f"{folder} is being evicted.", "%aim cache")
        yield (handle,)
    finally:
        os.close(handle)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[bool]:
    """Give whether nobody uses `folder`; inside the block nobody can begin to."""
    handle = _open(folder)
    if handle is None:
        yield False
        return
    try:
        yield _lock(handle, fcntl.LOCK_EX)
    finally:
        os.close(handle)


@contextlib.contextmanager
def changing(folder: Path) -> Iterator[None]:
    """Hold `folder` against others who want to change what it notes, waiting for them.

    Raises
    ------
    StateUnusable
        If there is no such folder.
    """
    handle = _open(folder)
    if handle is None:
        raise StateUnusable(f"{folder} can't be opened.", "set AIM_CACHE_DIR to a folder of yours")
    try:
        with contextlib.suppress(OSError):
            fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def holders() -> dict[int, str]:
    """Return who holds what: from the inode of a locked file or folder to a user and process.

    A process of another container is not seen, nor one on another node.
    """
    found = {}
    with contextlib.suppress(OSError):
        for line in LOCKS.read_text().splitlines():
            words = line.split()
            if len(words) >= _WORDS and words[1] == "FLOCK":
                found[int(words[_INODE].rpartition(":")[2])] = _who(int(words[_PID]))
    return found


def locked(file: Path) -> bool:
    """Return whether somebody holds a lock on a file that is there."""
    handle = _open(file)
    if handle is None:
        return False
    try:
        return not _lock(handle, fcntl.LOCK_EX)
    finally:
        os.close(handle)


def _who(pid: int) -> str:
    try:
        uid = Path("/proc", str(pid)).stat().st_uid
    except OSError:
        return "another process"
    if uid == os.getuid():
        return f"pid {pid}"
    return f"{users.name(uid)}, pid {pid}"


def _open(path: Path) -> int | None:
    try:
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None


def _lock(handle: int, how: int) -> bool:
    """Return whether the lock was to be had; where there are no locks at all, it was."""
    try:
        fcntl.flock(handle, how | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in (errno.EWOULDBLOCK, errno.EACCES)
    return True
