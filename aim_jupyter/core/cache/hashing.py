"""Whether a file is what its name promises.

In the Hub's layout a blob is named by its content: by the SHA-256 where the Hub keeps the file in
large-file storage, else by git's SHA-1 of it. So a cache can be verified without the Hub. What
comes from S3 is named by its SHA-256 where that is known there, else by the ETag: the MD5 of the
content, or, of what was uploaded in parts, that of the parts' MD5s. An MD5 tells broken bytes, not
malice.
"""

from __future__ import annotations

import hashlib
import os
import queue
import re
import threading
from pathlib import Path
from typing import IO, Protocol

_SHA256 = re.compile(r"[0-9a-f]{64}")
_GIT = re.compile(r"[0-9a-f]{40}")
_MD5 = re.compile(r"[0-9a-f]{32}")
#: Of S3: the MD5 of the parts' MD5s, how many parts there are, and the bytes of each but the last.
_PARTS = re.compile(r"[0-9a-f]{32}-([1-9]\d{0,4})-([1-9]\d{0,10})")
_BLOCK = 1 << 20


class Hasher(Protocol):
    """What the content of a blob is given to, and its name compared with."""

    def update(self, data: bytes, /) -> None:
        """Take more of the content."""

    def hexdigest(self) -> str:
        """Return what a blob of this content is called."""


class _InParts:
    """The ETag of what S3 was given in parts of `size` bytes, with that size behind it."""

    def __init__(self, size: int) -> None:
        self._size, self._room = size, size
        self._parts = hashlib.md5(usedforsecurity=False)
        self._part = hashlib.md5(usedforsecurity=False)
        self._count = 0

    def update(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            self._part.update(view[: self._room])
            taken = min(len(view), self._room)
            view, self._room = view[taken:], self._room - taken
            if not self._room:
                self._close()

    def hexdigest(self) -> str:
        if self._room < self._size:
            self._close()
        return f"{self._parts.hexdigest()}-{self._count}-{self._size}"

    def _close(self) -> None:
        self._parts.update(self._part.digest())
        self._part = hashlib.md5(usedforsecurity=False)
        self._room, self._count = self._size, self._count + 1


def hasher(name: str, size: int) -> Hasher | None:
    """Return what a blob of that name and size (bytes) is hashed with, None for another name."""
    if _SHA256.fullmatch(name):
        return hashlib.sha256()
    if _MD5.fullmatch(name):
        return hashlib.md5(usedforsecurity=False)
    if parts := _PARTS.fullmatch(name):
        return _InParts(int(parts[2]))
    if _GIT.fullmatch(name):
        # git hashes the size together with the content; nothing here depends on it being strong.
        return hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    return None


class Beside:
    """Hashes what it is given in a thread of its own, while more comes.

    Up to eight megabytes may wait; whoever gives it more waits for the thread. What is small needs
    none.
    """

    _LEAST, _WAITING = 1 << 20, 8

    def __init__(self, made: Hasher) -> None:
        self._made = made
        self._kept: list[bytes] = []
        self._size = 0
        self._queue: queue.Queue[bytes | None] = queue.Queue(self._WAITING)
        self._thread: threading.Thread | None = None

    def update(self, data: bytes, /) -> None:
        """Take more of the content."""
        self._kept.append(data)
        self._size += len(data)
        if self._size >= self._LEAST:
            self._pass()

    def hexdigest(self) -> str:
        """Return what a blob of this content is called; nothing more is taken then."""
        if self._thread is not None:
            self._queue.put(None)
            self._thread.join()
        self._made.update(b"".join(self._kept))
        self._kept = []
        return self._made.hexdigest()

    def _pass(self) -> None:
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, daemon=True)
            self._thread.start()
        self._queue.put(b"".join(self._kept))
        self._kept, self._size = [], 0

    def _work(self) -> None:
        while (data := self._queue.get()) is not None:
            self._made.update(data)


def matches(file: Path, name: str) -> bool | None:
    """Return whether `file` has the content that a blob called `name` has; None if nobody can tell.

    Raises
    ------
    OSError
        If it can't be read.
    """
    size = file.stat().st_size
    if hasher(name, size) is None:
        return None
    with open(file, "rb", buffering=0, opener=unnoticed) as content:
        return is_of(content, name, size)


def is_of(content: IO[bytes], name: str, size: int) -> bool:
    """Return whether an open file has what a blob of that name and size (bytes) has.

    One whose name is no hash is never what it promises: it promises nothing.
    """
    made = hasher(name, size)
    while made is not None and (block := content.read(_BLOCK)):
        made.update(block)
    return made is not None and made.hexdigest() == name


def unnoticed(path: str, flags: int) -> int:
    """Open without changing the time of the last access: looking at a model is not using it."""
    try:
        return os.open(path, flags | os.O_NOATIME)
    except PermissionError:
        # Of another user's file only the system keeps the time.
        return os.open(path, flags)
