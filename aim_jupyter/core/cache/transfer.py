"""One file of a model into the cache: resumed where it broke off, and verified before it counts.

`huggingface_hub` 2 downloads into a file of a new random name each time and removes it on failure,
so that it starts again from nothing after a kill, and compares sizes only. Here a file grows under
one name (``<etag>.incomplete``, as version 1 called it) under that library's own lock; its bytes
are hashed as they come, and only a blob that is what its name promises takes that name.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from threading import Event
from typing import BinaryIO

from msgspec import Struct

from aim_jupyter.core import config
from aim_jupyter.core.cache import hashing, roots
from aim_jupyter.core.cache.hashing import Hasher
from aim_jupyter.core.cache.offered import Remote
from aim_jupyter.core.cache.origins.hub import is_short
from aim_jupyter.core.cache.origins.origin import Origin
from aim_jupyter.core.cache.reader import INCOMPLETE
from aim_jupyter.core.cache.store import Store

#: How often in a row a file is tried that does not come, or comes wrong; seconds in between.
ATTEMPTS = 4
WRONG_ATTEMPTS = 2
_PAUSE_S = 1.0
_BLOCK = 1 << 20


class Place(Struct, frozen=True):
    """Where the Hub's layout has the parts of one repository: names below the cache."""

    origin: Origin
    commit: str

    @property
    def repo(self) -> str:
        """What the model is called."""
        return self.origin.repo

    @property
    def store(self) -> Store:
        """The cache, to write below."""
        return Store(config.model_cache_dir())

    @property
    def folder(self) -> Path:
        """All of the repository."""
        return config.model_cache_dir() / self.name

    @property
    def name(self) -> str:
        """The repository's folder in the cache."""
        return roots.folder_name(self.repo)

    def blob(self, file: Remote) -> str:
        """Return the name of a content, which is its hash."""
        return f"{self.name}/blobs/{file.etag}"

    def lock(self, file: Remote) -> str:
        """Return what is locked while a content is downloaded."""
        return f".locks/{self.name}/{file.etag}.lock"

    def pointer(self, file: Remote) -> str:
        """Return the name of a file of the commit, which leads to its content."""
        return f"{self.name}/snapshots/{self.commit}/{file.name}"


class WrongBytes(Exception):
    """What came is not what the Hub has promised; the argument is the file's name."""


class CutShort(Exception):
    """Again and again less came than the Hub has promised; the argument is the file's name."""


class Stopped(Exception):
    """Another file has failed, so this one is left as it is."""


def transfer(place: Place, file: Remote, stop: Event) -> None:
    """Bring `file` to its blob, verified.

    Raises
    ------
    WrongBytes, CutShort, Stopped, StateUnusable, OSError
        And what `huggingface_hub` raises for an answer of the Hub.
    """
    store, blob = place.store, place.blob(file)
    with store.locked(place.lock(file)):
        # Another process may have brought it while this one waited.
        if is_there(place, file):
            return
        for left in reversed(range(WRONG_ATTEMPTS)):
            with contextlib.suppress(WrongBytes):
                if _grow(place, file, stop):
                    store.move(f"{blob}{INCOMPLETE}", blob)
                    return
            store.remove(f"{blob}{INCOMPLETE}")
            if not left:
                raise WrongBytes(file.name)


def is_there(place: Place, file: Remote) -> bool:
    """Return whether the blob is there and right; a wrong one is removed."""
    store, blob = place.store, place.blob(file)
    try:
        with os.fdopen(store.open(blob, os.O_RDONLY), "rb", buffering=0) as content:
            right = os.fstat(content.fileno()).st_size == file.size and hashing.is_of(
                content, file.etag, file.size
            )
    except FileNotFoundError:
        return False
    if not right:
        store.remove(blob)
    return right


def _grow(place: Place, file: Remote, stop: Event) -> bool:
    """Append what is missing of a blob; return whether it then is what it should be."""
    part = place.store.open(f"{place.blob(file)}{INCOMPLETE}", os.O_RDWR | os.O_APPEND | os.O_CREAT)
    with os.fdopen(part, "ab+") as content:
        sink = _Sink(content, file, stop)
        tried = failed = 0
        while True:
            had = sink.tell()
            try:
                place.origin.get(place.commit, file, sink, tried)
                break
            except Exception as error:
                # Of what comes bit by bit nobody says that it does not come.
                failed, tried = 1 if sink.tell() > had else failed + 1, tried + 1
                if failed >= ATTEMPTS and is_short(error):
                    raise CutShort(file.name) from error
                if failed >= ATTEMPTS or not place.origin.passes(error):
                    raise
            stop.wait(_PAUSE_S * failed)
        content.flush()
        os.fsync(content.fileno())
        return sink.right


class _Sink:
    """Where a file is written to that is hashed as it grows.

    What is there already is hashed first; what is too long, or begins anew, is thrown away.
    """

    def __init__(self, content: BinaryIO, file: Remote, stop: Event) -> None:
        self._content, self._file, self._stop = content, file, stop
        self._hash: Hasher | None = None
        # Counted here: to ask the system for each block took as long as to write it.
        self._at = 0
        if os.fstat(content.fileno()).st_size > file.size:
            self.restart()
        else:
            self._begin()

    def _begin(self) -> None:
        made = hashing.hasher(self._file.etag, self._file.size)
        self._hash = hashing.Beside(made) if made is not None else None
        self._content.seek(0)
        while block := self._content.read(_BLOCK):
            if self._hash is not None:
                self._hash.update(block)
        self._at = self._content.tell()

    @property
    def right(self) -> bool:
        """Whether all has come, and it is what the file's name promises."""
        known = self._hash is not None and self._hash.hexdigest() == self._file.etag
        return bool(known and self.tell() == self._file.size)

    def write(self, block: bytes) -> int:
        if self._stop.is_set():
            raise Stopped
        if self._at + len(block) > self._file.size:
            # It can only be wrong: nothing of it is kept.
            raise WrongBytes(self._file.name)
        if self._hash is not None:
            self._hash.update(block)
        self._at += self._content.write(block)
        return len(block)

    def tell(self) -> int:
        return self._at

    def restart(self) -> None:
        """Throw away what is there."""
        self.seek(0)
        self.truncate()

    def seek(self, position: int) -> int:
        self._at = self._content.seek(position)
        return self._at

    def truncate(self) -> int:
        size = self._content.truncate()
        self._begin()
        return size
