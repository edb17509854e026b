"""Files that other processes read while we write them: atomic, private, locked."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import re
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from aim_jupyter.core.errors import StateUnusable

#: What reading and decoding a file of ours can meet; of bytes that are no UTF-8, msgspec says
#: nothing of its own.
UNREADABLE = (OSError, msgspec.DecodeError, UnicodeDecodeError)

#: What the kernel shows for an owner that a user namespace does not know (``overflowuid``).
_UNMAPPED = 65534
_ADVICE = {
    errno.ENOSPC: "free some space there, or set AIM_STATE_DIR to a folder on another disk",
    errno.EDQUOT: "free some of your quota, or set AIM_STATE_DIR to a folder on another disk",
}


def unusable(path: Path, error: OSError) -> StateUnusable:
    """Return what to raise when `path` can't be written or read."""
    found = f"{path}: {error.strerror or error}."
    return StateUnusable(
        found, _ADVICE.get(error.errno or 0, "set AIM_STATE_DIR to a folder that you can write")
    )


def private_folder(path: Path) -> Path:
    """Make `path` a folder that only this user can enter, and return it.

    Raises
    ------
    StateUnusable
        If it can't be made, is a link, belongs to somebody else, or stands where somebody else
        could put another in its place.
    """
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        facts = path.lstat()
        loose = _loose(path)
    except OSError as error:
        raise unusable(path, error) from error
    if loose is not None:
        raise StateUnusable(
            f"{path} could be replaced: {loose} is another user's, or open to all.",
            "set AIM_STATE_DIR to a folder of your own, below folders of yours or of root",
        )
    if path.is_symlink() or facts.st_uid != os.getuid():
        raise StateUnusable(
            f"{path} is a link or belongs to another user.",
            "remove it, or set AIM_STATE_DIR to a folder of your own",
        )
    if facts.st_mode & 0o077:
        try:
            path.chmod(0o700)
        except OSError as error:
            raise unusable(path, error) from error
    return path


def _loose(path: Path) -> Path | None:
    """Return the folder above `path` in which somebody else could replace what lies in it.

    Of a folder that all may write to (``/tmp``) the sticky bit protects what is ours. Owners that
    this user namespace does not know count as its host's; root's own words are taken as given, for
    a container's root works in folders of the user that it was started for.
    """
    me = os.getuid()
    trusted = {0, me, _UNMAPPED}
    above = path.parent.resolve()
    for folder in (above, *above.parents):
        facts = folder.stat()
        open_to_all = facts.st_mode & stat.S_IWOTH and not facts.st_mode & stat.S_ISVTX
        if open_to_all or (me and facts.st_uid not in trusted):
            return folder
    return None


def write_atomic(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Write `data` beside `path`, flush it, and move it there: readers see all or nothing.

    Raises
    ------
    StateUnusable
        If it can't be written; `path` then holds what it held before.
    """
    beside: str | None = None
    try:
        handle, beside = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(beside).replace(path)
    except OSError as error:
        if beside is not None:
            with contextlib.suppress(OSError):
                Path(beside).unlink()
        raise unusable(path, error) from error


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold an exclusive lock on the file `path`, made where it is absent.

    Raises
    ------
    StateUnusable
        If the file can't be opened, or its file system has no locks.
    """
    with contextlib.ExitStack() as opened:
        try:
            handle = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            opened.callback(os.close, handle)
            fcntl.flock(handle, fcntl.LOCK_EX)
        except OSError as error:
            raise unusable(path, error) from error
        yield


def _first_data(handle: int) -> int:
    """Return where the first byte stands that is not in a hole; 0 where nobody can say."""
    try:
        return os.lseek(handle, 0, os.SEEK_DATA)
    except OSError:
        # An empty file, or a file system without holes.
        return 0


def tail(path: Path, lines: int) -> list[str]:
    """Return the last `lines` lines of a text file, reading only its end.

    Carriage returns split lines too: progress bars rewrite theirs. Blank lines do not count. A file
    whose beginning was given back to the disk begins with its first whole line after that.
    """
    if lines <= 0:
        return []
    block, kept = 1 << 16, list[bytes]()
    try:
        with path.open("rb") as file:
            end, floor = file.seek(0, os.SEEK_END), _first_data(file.fileno())
            while True:
                start = max(floor, end - block)
                file.seek(start)
                kept = [
                    line for line in re.split(rb"[\r\n]", file.read(end - start)) if line.strip()
                ]
                # One more than asked for: the first one may have been cut.
                if len(kept) > lines:
                    break
                if start == floor:
                    kept = kept[1:] if floor else kept
                    break
                block *= 4
    except FileNotFoundError:
        return []
    except OSError as error:
        raise unusable(path, error) from error
    return [line.decode("utf-8", "replace") for line in kept[-lines:]]
