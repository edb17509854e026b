"""The one seam between the detection and a file system.

Everything that is detected comes through a `Tree`: the machine's own ``/sys`` and ``/dev``, a
captured copy of them (``AIM_SYS_ROOT``), or a dictionary in a test. `Reader` turns its bytes into
text and numbers, and keeps a note of everything that could not be read, so that nothing is
swallowed and nothing raises.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Protocol

# A sysfs attribute is at most one page (fs/sysfs/file.c); a file that is longer is not one.
LONGEST = 1 << 16

U32 = (1 << 32) - 1
U64 = (1 << 64) - 1

_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ENODEV)
_DENIED = (errno.EPERM, errno.EACCES)


class Tree(Protocol):
    """A file system below some root. Paths are relative, as in ``sys/class/kfd``."""

    def read(self, path: str) -> bytes:
        """Return the content of a file, at most `LONGEST` bytes; raise `OSError` like `open`."""

    def names(self, path: str) -> list[str]:
        """Return what a folder holds, unsorted; raise `OSError` like `os.listdir`."""

    def target(self, path: str) -> str:
        """Return what a link points to; raise `OSError` like `os.readlink`."""

    def facts(self, path: str) -> os.stat_result:
        """Return owner and mode of what is there; raise `OSError` like `os.stat`."""

    def allowed(self, path: str) -> bool:
        """Return whether this process may read and write it, without opening it."""


class DiskTree:
    """The tree below a folder of this machine.

    Parameters
    ----------
    root : Path
        ``/``, or the folder of a captured machine.
    """

    def __init__(self, root: Path) -> None:
        self._root = os.fspath(root).rstrip("/") + "/"

    def read(self, path: str) -> bytes:
        """Return the content of a file, at most `LONGEST` bytes."""
        # O_NONBLOCK: a pipe put where a file is expected must not hang the caller.
        handle = os.open(self._root + path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            return os.read(handle, LONGEST)
        finally:
            os.close(handle)

    def names(self, path: str) -> list[str]:
        """Return what a folder holds."""
        return os.listdir(self._root + path)  # noqa: PTH208 - 64 partitions make this the hot path

    def target(self, path: str) -> str:
        """Return what a link points to."""
        return os.readlink(self._root + path)  # noqa: PTH115 - as above

    def facts(self, path: str) -> os.stat_result:
        """Return owner and mode of what is there."""
        return os.stat(self._root + path)  # noqa: PTH116 - as above

    def allowed(self, path: str) -> bool:
        """Return whether this process may read and write it."""
        return os.access(self._root + path, os.R_OK | os.W_OK)


class Reader:
    """Reads text and numbers from a tree; what can't be had is None and, unless absent, noted.

    Attributes
    ----------
    notes : dict of str to None
        What could not be read and why, in the order met, each once.
    denied : set of str
        Paths that the kernel refused with EPERM or EACCES.
    """

    def __init__(self, tree: Tree) -> None:
        self.tree = tree
        self.notes: dict[str, None] = {}
        self.denied: set[str] = set()

    def note(self, text: str) -> None:
        """Keep a remark about the reading, once."""
        self.notes[text] = None

    def bytes(self, path: str) -> bytes | None:
        """Return the content of a file, or None."""
        try:
            return self.tree.read(path)
        except OSError as error:
            self._failed(path, error)
            return None

    def text(self, path: str) -> str | None:
        """Return the content of a one-line file, or None where it is empty or not text."""
        content = self.bytes(path)
        if content is None:
            return None
        try:
            return content.decode().strip() or None
        except UnicodeDecodeError:
            self.note(f"/{path}: not text")
            return None

    def number(self, path: str, most: int = U64) -> int | None:
        """Return the decimal number in a file, or None where it is not one up to `most`."""
        return decimal(self.text(path), most)

    def pairs(self, path: str) -> dict[str, int]:
        """Return the ``key value`` lines of a KFD properties file.

        A line without its newline was cut short: its number could be any prefix of the true one,
        so it is left out.
        """
        content = self.bytes(path) or b""
        whole, _, rest = content.rpartition(b"\n")
        if rest:
            self.note(f"/{path}: cut short")
        found = {}
        for line in whole.decode("ascii", "replace").split("\n"):
            key, _, value = line.partition(" ")
            if (number := decimal(value)) is not None:
                found[key] = number
        return found

    def names(self, path: str) -> list[str]:
        """Return what a folder holds, sorted; nothing where there is no such folder.

        Names that are not plain ASCII are none of the kernel's, and left out.
        """
        try:
            return sorted(name for name in self.tree.names(path) if name.isascii())
        except OSError as error:
            self._failed(path, error)
            return []

    def target(self, path: str) -> str | None:
        """Return what a link points to, or None where it is no link."""
        try:
            return self.tree.target(path)
        except OSError:
            return None

    def facts(self, path: str) -> os.stat_result | None:
        """Return owner and mode, or None where nothing is there."""
        try:
            return self.tree.facts(path)
        except OSError as error:
            self._failed(path, error)
            return None

    def _failed(self, path: str, error: OSError) -> None:
        if error.errno in _ABSENT:
            return
        if error.errno in _DENIED:
            self.denied.add(path)
        self.note(f"/{path}: {error.strerror or error}")


def decimal(text: str | None, most: int = U64) -> int | None:
    """Return a plain decimal number from 0 to `most`, or None.

    Stricter than `int`, which takes ``1_000``, signs, and digits of other scripts.

    Examples
    --------
    >>> decimal("128"), decimal("-1"), decimal("1_0"), decimal(None)
    (128, None, None, None)
    """
    if text is None or not text.isascii() or not text.isdecimal() or len(text) > len(str(most)):
        return None
    number = int(text)
    return number if number <= most else None
