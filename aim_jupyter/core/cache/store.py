"""Writing below one folder, which no name can leave.

Names come from elsewhere: from a Hub, or what says it is one. So each is walked part by part from
the folder that is open already, no link is followed on the way or at its end, and what is no plain
name is refused. Where the folder itself lies is the user's business: it may be a link.

A folder that its group may write into is one that several users fill: what is made in it is theirs
to write too, so that each goes on with what another has begun, and nothing is fetched twice.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path

from aim_jupyter.core.errors import StateUnusable

#: Characters of a name, parts of it, and characters of each: what any file system takes.
_MOST, _DEPTH, _PART = 1024, 32, 255
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE = os.O_NOFOLLOW | os.O_CLOEXEC
#: Of opening a link; and a socket, or a fifo that nobody reads.
_LINK = (errno.ELOOP, errno.ENXIO)


def is_plain(name: str) -> bool:
    """Whether a name is relative and normal, and means the same to every program.

    Examples
    --------
    >>> is_plain("a/b.safetensors"), is_plain("../b"), is_plain("/b"), is_plain("C:/b")
    (True, False, False, False)
    """
    parts = name.split("/")
    return (
        0 < len(name) <= _MOST
        and len(parts) <= _DEPTH
        and all(_is_part(part) for part in parts)
        and not (len(name) > 1 and name[1] == ":")
    )


def _is_part(part: str) -> bool:
    # What can't be encoded, such as half of a pair, can't be a file's name either.
    fits = len(part.encode(errors="replace")) <= _PART and part.isprintable()
    return bool(part) and part not in (".", "..") and "\\" not in part and fits


class Store:
    """A folder to write below.

    Parameters
    ----------
    root : Path
        Made where it is absent.
    """

    def __init__(self, root: Path) -> None:
        self.root = root

    def open(self, name: str, flags: int, mode: int = 0o644) -> int:
        """Return a descriptor of a plain file below the folder; its folders are made.

        Raises
        ------
        StateUnusable
            If the name leads elsewhere, or no plain file is there.
        OSError
        """
        with self._parent(name, make=bool(flags & os.O_CREAT)) as (folder, last):
            handle = self._open(folder, last, flags | _FILE | os.O_NONBLOCK, mode, name)
            if flags & os.O_CREAT:
                self._give(handle, os.fstat(folder), stat.S_IRGRP | stat.S_IWGRP)
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            os.close(handle)
            raise self._refused(name)
        return handle

    def read(self, name: str, most: int) -> bytes:
        """Return what a file holds.

        Raises
        ------
        StateUnusable
            Also if that is more than `most` bytes.
        OSError
        """
        with os.fdopen(self.open(name, os.O_RDONLY), "rb") as file:
            data = file.read(most + 1)
        if len(data) > most:
            raise StateUnusable(f"{self.root / name} is too large.", f"at most {most:,} bytes")
        return data

    def size(self, name: str) -> os.stat_result | None:
        """Return the facts of a plain file, None where there is none."""
        with contextlib.suppress(FileNotFoundError), self._parent(name) as (folder, last):
            facts = os.stat(last, dir_fd=folder, follow_symlinks=False)
            return facts if stat.S_ISREG(facts.st_mode) else None
        return None

    def move(self, old: str, new: str) -> None:
        """Give a file or a folder another name below this one."""
        with self._parent(old) as (source, last), self._parent(new, make=True) as (folder, first):
            os.replace(last, first, src_dir_fd=source, dst_dir_fd=folder)

    def clear(self, name: str) -> None:
        """Remove a folder with all that is in it, but nothing that a link in it leads to.

        Raises
        ------
        OSError
            If something stays; a folder that is not there is removed already.
        """
        with contextlib.suppress(FileNotFoundError), self._parent(name) as (folder, last):
            shutil.rmtree(last, dir_fd=folder)

    @contextlib.contextmanager
    def inside(self, name: str) -> Iterator[Path]:
        """Give a folder below this one, made where it is absent, as a child may work in it.

        The path is of the open folder: whatever takes its name meanwhile is never met.
        """
        with self._parent(f"{name}/-", make=True) as (folder, _):
            yield Path(f"/proc/self/fd/{folder}")

    def remove(self, name: str) -> None:
        """Remove a file, or a link: never what it leads to."""
        with self._parent(name) as (folder, last):
            os.unlink(last, dir_fd=folder)

    def write(self, name: str, data: bytes, mode: int = 0o644) -> None:
        """Write a file beside its name, flush it, and move it there."""
        beside = self._beside(name)
        handle = self.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        try:
            with os.fdopen(handle, "wb") as file:
                os.fchmod(handle, mode)
                file.write(data)
                file.flush()
                os.fsync(handle)
            self.move(beside, name)
        except OSError:
            # A full disk: the half of it is in nobody's way.
            self.remove(beside)
            raise

    def link(self, name: str, target: str) -> bool:
        """Let a name lead to `target` as it stands; False on a file system without links."""
        beside = self._beside(name)
        with self._parent(name, make=True) as (folder, last):
            # Ours alone: what an earlier process of this number may have left.
            with contextlib.suppress(FileNotFoundError):
                os.unlink(beside.rpartition("/")[2], dir_fd=folder)
            try:
                os.symlink(target, beside.rpartition("/")[2], dir_fd=folder)
            except PermissionError:
                return False
            os.replace(beside.rpartition("/")[2], last, src_dir_fd=folder, dst_dir_fd=folder)
        return True

    def copy(self, old: str, new: str) -> None:
        """Write what a file holds under another name."""
        beside = self._beside(new)
        handle = self.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        with os.fdopen(self.open(old, os.O_RDONLY), "rb") as source, os.fdopen(handle, "wb") as to:
            shutil.copyfileobj(source, to)
        self.move(beside, new)

    def leads_to(self, name: str) -> str | None:
        """Return where a link leads, None for what is none."""
        with contextlib.suppress(OSError), self._parent(name) as (folder, last):
            return os.readlink(last, dir_fd=folder)
        return None

    @contextlib.contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Hold a lock as `huggingface_hub` does: an exclusive one of the system on that file."""
        handle = self.open(name, os.O_RDWR | os.O_CREAT)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    @contextlib.contextmanager
    def _parent(self, name: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
        """Yield the open folder that a name lies in, and its last part."""
        if not is_plain(name):
            raise self._refused(name)
        *parts, last = name.split("/")
        if make:
            self.root.mkdir(parents=True, exist_ok=True)
        folder = os.open(self.root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in parts:
                if make:
                    with contextlib.suppress(FileExistsError):
                        os.mkdir(part, dir_fd=folder)
                inner = self._open(folder, part, _FOLDER, 0, name)
                if make:
                    self._give(inner, os.fstat(folder), stat.S_IRWXG | stat.S_ISGID)
                os.close(folder)
                folder = inner
            yield folder, last
        finally:
            os.close(folder)

    @staticmethod
    def _give(handle: int, above: os.stat_result, rights: int) -> None:
        """Let the group of a folder that it may write into have what we have made there."""
        common = above.st_mode & (stat.S_IWGRP | stat.S_ISVTX) == stat.S_IWGRP
        if common:
            facts = os.fstat(handle)
            wanted = stat.S_IMODE(facts.st_mode) | rights
            ours = facts.st_uid == os.geteuid()
            if ours and facts.st_gid != above.st_gid:
                os.fchown(handle, -1, above.st_gid)
            if ours and stat.S_IMODE(facts.st_mode) != wanted:
                os.fchmod(handle, wanted)

    def _open(self, folder: int, part: str, flags: int, mode: int, name: str) -> int:
        try:
            return os.open(part, flags, mode, dir_fd=folder)
        except (NotADirectoryError, IsADirectoryError) as error:
            raise self._refused(name) from error
        except OSError as error:
            if error.errno in _LINK:
                raise self._refused(name) from error
            raise

    def _refused(self, name: str) -> StateUnusable:
        return StateUnusable(
            f"{name!a} can't be used below {self.root}: "
            "a link or a folder is in its place, or it is no name.",
            f"ls -l {self.root}",
        )

    @staticmethod
    def _beside(name: str) -> str:
        folder, slash, last = name.rpartition("/")
        return f"{folder}{slash}.{last[:200]}.{os.getpid()}"
