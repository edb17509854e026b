"""Who is in charge of a server: whoever holds the lock of its folder.

A supervisor holds ``supervisor.lock`` from before its first line to its end, whatever ends it. So
there is never more than one, and anybody can tell at once that there is none. Whoever starts a
supervisor takes the lock first and hands it on, open: between two there is no moment in which a
third could be started. What stands in the file is who holds it, for signals; the lock is the truth.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path

import msgspec

from aim_jupyter.core import files
from aim_jupyter.core.records import ProcessId
from aim_jupyter.core.records.kinds import resolved

NAME = "supervisor.lock"
#: The text is written in place and has always this length: on a full disk that still works.
_WIDTH = 128

_HOLDER = msgspec.json.Decoder(resolved(ProcessId))


def prepare(folder: Path) -> None:
    """Make the lock file of a new server.

    Raises
    ------
    StateUnusable
        If it can't be written.
    """
    files.write_atomic(folder / NAME, b" " * _WIDTH)


def take(folder: Path) -> int | None:
    """Take charge and return the open lock; None where somebody else has it.

    Raises
    ------
    StateUnusable
        If the file can't be opened, or its file system has no locks.
    """
    path = folder / NAME
    try:
        handle = _open(path)
    except OSError as error:
        raise files.unusable(path, error) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        return None
    except OSError as error:
        os.close(handle)
        raise files.unusable(path, error) from error
    if not belongs(handle, folder):
        # The folder was replaced by that of a new server of this name.
        os.close(handle)
        return None
    return handle


def belongs(handle: int, folder: Path) -> bool:
    """Whether an open lock is still that of the folder's server."""
    here = os.fstat(handle)
    try:
        there = (folder / NAME).stat()
    except OSError:
        return False
    return (here.st_dev, here.st_ino) == (there.st_dev, there.st_ino)


def sign(handle: int, holder: ProcessId) -> None:
    """Write down who holds it; where that can't be written, only signals are harder to send."""
    text = msgspec.json.encode(holder).ljust(_WIDTH)
    with contextlib.suppress(OSError):
        os.pwrite(handle, text, 0)


def holder(folder: Path) -> ProcessId | None:
    """Return who has signed last; whether it lives is another question."""
    with contextlib.suppress(*files.UNREADABLE):
        return _HOLDER.decode((folder / NAME).read_bytes())
    return None


def _open(path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        # A read-only file system has locks too.
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
