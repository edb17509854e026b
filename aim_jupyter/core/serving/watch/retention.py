"""How much of an engine's log stays on disk.

The engine appends to the file by itself, and may print gigabytes. The supervisor gives the space of
old lines back by punching a hole (``fallocate(2)``, ``FALLOC_FL_PUNCH_HOLE``): the file keeps its
length, every offset stays true, no writer and no reader notices, and no recent line is lost. Where
the file system can't do that (NFS before 4.2), the end is copied and the file emptied; what the
engine writes between the two is lost then, and an event says so.
"""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path

#: Bytes that a log may take on disk, and how many of its end are kept when it takes more.
MOST_BYTES = 128 << 20
KEPT_BYTES = 64 << 20
#: Where the end has to be copied: the supervisor's memory is small.
COPIED_BYTES = 4 << 20

_KEEP_SIZE, _PUNCH_HOLE = 1, 2
_BLOCK = 4096
_UNSUPPORTED = (errno.EOPNOTSUPP, errno.ENOSYS, errno.ENODEV)


def excess(log: Path) -> int:
    """Return up to which byte a log should be given back, 0 where it is small enough."""
    try:
        facts = log.stat()
    except OSError:
        return 0
    # In units of 512 bytes, whatever the block size (stat(2)).
    if facts.st_blocks * 512 <= MOST_BYTES:
        return 0
    return max(0, facts.st_size - KEPT_BYTES) // _BLOCK * _BLOCK


def give_back(log: Path, until: int) -> bool:
    """Free the space of everything before the byte `until`; return whether offsets still hold.

    Raises
    ------
    OSError
        If neither way works.
    """
    handle = os.open(log, os.O_RDWR | os.O_APPEND | os.O_CLOEXEC)
    try:
        if _punch(handle, until):
            return True
        size = os.fstat(handle).st_size
        kept = os.pread(handle, COPIED_BYTES, max(until, size - COPIED_BYTES))
        os.ftruncate(handle, 0)
        os.write(handle, kept)
    finally:
        os.close(handle)
    return False


def _punch(handle: int, until: int) -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.fallocate64(handle, _KEEP_SIZE | _PUNCH_HOLE, _offset(0), _offset(until)) == 0:
        return True
    code = ctypes.get_errno()
    if code in _UNSUPPORTED:
        return False
    raise OSError(code, os.strerror(code))


def _offset(value: int) -> ctypes.c_int64:
    return ctypes.c_int64(value)
