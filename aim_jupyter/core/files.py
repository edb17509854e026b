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
from typing import TypeVar

import msgspec

from aim_jupyter.core.errors import StateUnusable
from aim_jupyter.core.records.kinds import resolved

T = TypeVar("T")

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


#: Bytes of a JSON file beside a model that is only looked through: large tokenizers have 35 MB.
MOST_JSON = 48 << 20
#: Bytes of one that is kept in memory, which takes thirteen times as much: large configurations
#: name each of their quantized layers and have 2 MB.
MOST_CONFIG = 4 << 20
#: And of one that holds a line or two.
MOST_NOTE = 1 << 16


def private_folder(path: Path) -> Path:
    """Make `path` a folder that only this user can enter, and return it.

    Raises
    ------
    StateUnusable
        As `own_folder`.
    """
    return own_folder(path, 0o700)


def own_folder(path: Path, mode: int) -> Path:
    """Make `path` a folder of this user's with that mode, and return it.

    Raises
    ------
    StateUnusable
        If it can't be made, is a link, belongs to somebody else, or stands where somebody else
        could put another in its place.
    """
    try:
        path.mkdir(mode=mode, parents=True, exist_ok=True)
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
    if facts.st_mode & 0o777 != mode:
        try:
            path.chmod(mode)
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


def keep_spare(path: Path, size: int) -> None:
    """Keep `size` bytes on disk for the next `write_spared`, in a file beside `path`."""
    spare = _spare(path)
    with contextlib.suppress(OSError):
        handle = os.open(spare, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(handle, 0, size)
        except OSError:
            spare.unlink()
        finally:
            os.close(handle)


def write_spared(path: Path, data: bytes) -> None:
    """Write as `write_atomic`; on a full disk, or one without inodes, into what was kept for it.

    Raises
    ------
    StateUnusable
        If it can't be written there either.
    """
    try:
        write_atomic(path, data)
    except StateUnusable:
        if not _filled(_spare(path), data):
            raise
        _spare(path).replace(path)


def _spare(path: Path) -> Path:
    return path.with_name(f".{path.name}.spare")


def _filled(spare: Path, data: bytes) -> bool:
    """Put `data` where room is already; return whether there was enough."""
    try:
        handle = os.open(spare, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            room = os.fstat(handle).st_size
            if len(data) > room or os.pwrite(handle, data, 0) != len(data):
                return False
            os.ftruncate(handle, len(data))
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError:
        return False
    return True


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


def table(path: Path, kind: type[T]) -> T:
    """Return what a TOML file holds: the way in which all tables of the package are read.

    Raises
    ------
    OSError
        If it can't be read.
    msgspec.DecodeError, UnicodeDecodeError
        If it is no TOML, or not of `kind`. Of the package's own, that is a defect.
    """
    return msgspec.toml.decode(path.read_bytes(), type=resolved(kind))


def read_bounded(path: Path, most: int = MOST_JSON) -> bytes:
    """Return what a file of somebody else's holds.

    Raises
    ------
    ValueError
        If that is more than `most` bytes: no more of it is read.
    OSError
    """
    with path.open("rb") as file:
        if os.fstat(file.fileno()).st_size > most or len(data := file.read(most + 1)) > most:
            raise ValueError(f"it is larger than {most >> 20} MiB")
    return data


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
