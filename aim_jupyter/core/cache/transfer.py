"""One file of the Hub into the cache: resumed where it broke off, and verified before it counts.

`huggingface_hub` 2 downloads into a file of a new random name each time and removes it on failure,
so that it starts again from nothing after a kill, and compares sizes only. Here a file grows under
one name (``<etag>.incomplete``, as version 1 called it) under that library's own lock; its bytes
are hashed as they come, and only a blob that is what its name promises takes that name.
"""

from __future__ import annotations

import contextlib
import http.client
import os
from pathlib import Path
from threading import Event
from typing import Any, BinaryIO, cast

from msgspec import Struct

from aim_jupyter.core.cache import hashing
from aim_jupyter.core.cache.scan import INCOMPLETE

#: How often a file is tried again that the Hub fails to send, or sends wrong; seconds in between.
ATTEMPTS = 4
WRONG_ATTEMPTS = 2
_PAUSE_S = 1.0
_BLOCK = 1 << 20


class Remote(Struct, frozen=True, kw_only=True):
    """One file of a repository at one commit, as the Hub describes it.

    Attributes
    ----------
    etag : str
        What its blob is called: the hash of its content.
    """

    name: str
    size: int
    etag: str


class WrongBytes(Exception):
    """What came is not what the Hub has promised; the argument is the file's name."""


class CutShort(Exception):
    """Again and again less came than the Hub has promised; the argument is the file's name."""


class Stopped(Exception):
    """Another file has failed, so this one is left as it is."""


def transfer(url: str, file: Remote, blobs: Path, locks: Path, stop: Event) -> None:
    """Bring `file` to ``blobs/<etag>``, verified.

    Raises
    ------
    WrongBytes, CutShort, Stopped, OSError
        And what `huggingface_hub` raises for an answer of the Hub.
    """
    from huggingface_hub.utils import (  # type: ignore[attr-defined]  # noqa: PLC0415
        WeakFileLock,
    )

    locks.mkdir(parents=True, exist_ok=True)
    with WeakFileLock(locks / f"{file.etag}.lock"):
        # Another process may have brought it while this one waited.
        if is_there(file, blobs):
            return
        for left in reversed(range(WRONG_ATTEMPTS)):
            part = blobs / f"{file.etag}{INCOMPLETE}"
            with contextlib.suppress(WrongBytes):
                if _grow(url, file, part, stop):
                    part.replace(blobs / file.etag)
                    return
            part.unlink()
            if not left:
                raise WrongBytes(file.name)


def is_there(file: Remote, blobs: Path) -> bool:
    """Return whether the blob is there and right; a wrong one is removed."""
    blob = blobs / file.etag
    try:
        right = blob.stat().st_size == file.size and hashing.matches(blob, file.etag) is not False
    except FileNotFoundError:
        return False
    if not right:
        blob.unlink()
    return right


def _grow(url: str, file: Remote, part: Path, stop: Event) -> bool:
    """Append what is missing of `part`; return whether it then is what it should be."""
    with part.open("ab+") as content:
        sink = _Sink(content, file, stop)
        for left in reversed(range(ATTEMPTS)):
            try:
                _get(url, file, sink)
                break
            except Exception as error:
                if not left and _is_short(error):
                    raise CutShort(file.name) from error
                if not left or not _passes(error):
                    raise
            stop.wait(_PAUSE_S * (ATTEMPTS - left))
        content.flush()
        os.fsync(content.fileno())
        return sink.right


def _get(url: str, file: Remote, sink: _Sink) -> None:
    from huggingface_hub.file_download import http_get  # noqa: PLC0415 - see `fetching`
    from huggingface_hub.utils import (  # type: ignore[attr-defined]  # noqa: PLC0415
        build_hf_headers,
    )

    # Compressed, a range of bytes would be one of something else.
    headers = {**build_hf_headers(), "Accept-Encoding": "identity"}
    http_get(
        url,
        cast(BinaryIO, sink),
        resume_size=sink.tell(),
        headers=headers,
        expected_size=file.size,
        displayed_filename=file.name,
    )


def _passes(error: Exception) -> bool:
    """Whether it may go well a moment later: the server's trouble, or less or more than it said."""
    status = getattr(getattr(error, "response", None), "status_code", None)
    if status is not None:
        return bool(status >= http.client.INTERNAL_SERVER_ERROR)
    return _is_short(error)


def _is_short(error: Exception) -> bool:
    """Whether `http_get` got less than it was told; what the disk says has a number."""
    return isinstance(error, OSError) and error.errno is None and "onsistency" in str(error)


class _Sink:
    """Where `http_get` writes to: a file that is hashed as it grows.

    What is there already is hashed first; what is too long, or begins anew, is thrown away.
    """

    def __init__(self, content: BinaryIO, file: Remote, stop: Event) -> None:
        self._content, self._file, self._stop = content, file, stop
        self._hash: Any = None
        if os.fstat(content.fileno()).st_size > file.size:
            self.seek(0)
            self.truncate()
        else:
            self._begin()

    def _begin(self) -> None:
        self._hash = hashing.hasher(self._file.etag, self._file.size)
        self._content.seek(0)
        while block := self._content.read(_BLOCK):
            if self._hash is not None:
                self._hash.update(block)

    @property
    def right(self) -> bool:
        """Whether all has come, and it is what the file's name promises."""
        known = self._hash is None or self._hash.hexdigest() == self._file.etag
        return known and self.tell() == self._file.size

    def write(self, block: bytes) -> int:
        if self._stop.is_set():
            raise Stopped
        if self.tell() + len(block) > self._file.size:
            # It can only be wrong: nothing of it is kept.
            raise WrongBytes(self._file.name)
        if self._hash is not None:
            self._hash.update(block)
        return self._content.write(block)

    def tell(self) -> int:
        return self._content.tell()

    def seek(self, position: int) -> int:
        return self._content.seek(position)

    def truncate(self) -> int:
        size = self._content.truncate()
        self._begin()
        return size
