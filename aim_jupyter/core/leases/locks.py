"""Lock files and claims within the folder: opened safely, locked without waiting."""

from __future__ import annotations

import errno
import fcntl
import os
import stat

from aim_jupyter.core import users

_FLAGS = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_FOR_ALL = 0o666
_READABLE = 0o644
_MOST_SQUATTED = 16


class Busy(Exception):
    """The file is locked by somebody else, or is one that we can't lock."""


def lock_file(folder: int, key: str) -> int:
    """Open and lock the device's file, made where absent, and return its descriptor.

    Raises
    ------
    Busy
        If it is locked, or was put there by somebody who does not let us open it.
    """
    name = f"{key}.lock"
    while True:
        handle = _open_shared(folder, name)
        try:
            _lock(handle)
            if _still_there(folder, name, handle):
                return handle
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)  # removed between opening and locking: the next one is the true one


def claim(folder: int, key: str) -> int:
    """Open and lock this user's claim on a device, and return its descriptor.

    A name that somebody else has taken first is passed over: a claim must be the user's own, for
    its text to be believed and for nobody else to be able to remove it.

    Raises
    ------
    Busy
        If another process of this user holds it.
    """
    found = own(folder, f"{key}.{os.geteuid()}")
    if found is None:
        raise Busy
    return found[0]


def own(folder: int, base: str) -> tuple[int, str] | None:
    """Open and lock a file of this user's own, made where absent; return it and its name.

    A name that somebody else has taken first is passed over. None where there is no other.

    Raises
    ------
    Busy
        If another process of this user holds it.
    """
    for squatted in range(_MOST_SQUATTED):
        name = f"{base}-{squatted}" if squatted else base
        try:
            handle = os.open(name, _FLAGS | os.O_RDWR | os.O_CREAT, _READABLE, dir_fd=folder)
        except OSError as error:
            if error.errno in (errno.EACCES, errno.EPERM, errno.ELOOP, errno.ENXIO, errno.EISDIR):
                continue
            raise
        try:
            facts = os.fstat(handle)
            if facts.st_uid == os.geteuid() and stat.S_ISREG(facts.st_mode):
                if stat.S_IMODE(facts.st_mode) != _READABLE:
                    os.fchmod(handle, _READABLE)  # others must be able to read who it is
                _lock(handle)
                if _still_there(folder, name, handle):
                    return handle, name
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)
    return None


def claims(folder: int, key: str) -> list[str]:
    """Return the names of all claims on a device, of any user."""
    lead = f"{key}."
    return [
        name
        for name in os.listdir(folder)
        if name.startswith(lead) and name.removeprefix(lead) != "lock"
    ]


def open_to_look(folder: int, name: str) -> int | None:
    """Open a regular file to probe or read it; None where it is gone or unreadable."""
    try:
        handle = os.open(name, _FLAGS | os.O_RDONLY, dir_fd=folder)
    except OSError:
        return None
    if stat.S_ISREG(os.fstat(handle).st_mode):
        return handle
    os.close(handle)
    return None


def held(handle: int) -> bool:
    """Return whether another open file holds the lock.

    Looking takes the lock for some microseconds, shared: takers try again (`lease.take`).
    """
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    fcntl.flock(handle, fcntl.LOCK_UN)
    return False


def blocked(folder: int, key: str) -> str | None:
    """Return who keeps a device's file from being locked, and with what; None for nobody."""
    name = f"{key}.lock"
    try:
        facts = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except OSError:
        return None
    if stat.S_ISREG(facts.st_mode) and os.access(name, os.R_OK, dir_fd=folder):
        return None
    kinds = {stat.S_IFREG: "closed file", stat.S_IFDIR: "folder", stat.S_IFLNK: "link"}
    kind = kinds.get(stat.S_IFMT(facts.st_mode), "pipe or device")
    return f"{users.name(facts.st_uid)} has put a {kind} in the place of {name}"


def _open_shared(folder: int, name: str) -> int:
    # Opened before it is made: with fs.protected_regular, O_CREAT on another user's file in a
    # sticky folder fails even where the file itself is open to all.
    for flags in (os.O_RDWR, os.O_RDWR | os.O_CREAT | os.O_EXCL, os.O_RDWR, os.O_RDONLY):
        try:
            handle = os.open(name, _FLAGS | flags, _FOR_ALL, dir_fd=folder)
        except (FileNotFoundError, FileExistsError, PermissionError):
            continue
        except OSError as error:
            if error.errno in (errno.ELOOP, errno.ENXIO, errno.EISDIR):
                raise Busy from error  # a link, pipe or folder put in its place
            raise
        facts = os.fstat(handle)
        if not stat.S_ISREG(facts.st_mode):
            os.close(handle)
            raise Busy
        if facts.st_uid == os.geteuid():
            # The umask took the others' bits off, here or where we were killed before this line.
            os.fchmod(handle, _FOR_ALL)
        return handle
    raise Busy


def _lock(handle: int) -> None:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise Busy from error


def _still_there(folder: int, name: str, handle: int) -> bool:
    try:
        there = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return False
    here = os.fstat(handle)
    return (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino)
