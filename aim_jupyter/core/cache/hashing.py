"""Whether a file is what its name promises.

In the Hub's layout a blob is named by its content: by the SHA-256 where the Hub keeps the file in
large-file storage, else by git's SHA-1 of it. So a cache can be verified without the Hub.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import IO

_SHA256 = re.compile(r"[0-9a-f]{64}")
_GIT = re.compile(r"[0-9a-f]{40}")
_BLOCK = 1 << 20


def hasher(name: str, size: int) -> hashlib._Hash | None:
    """Return what a blob of that name and size (bytes) is hashed with, None for another name."""
    if _SHA256.fullmatch(name):
        return hashlib.sha256()
    if _GIT.fullmatch(name):
        # git hashes the size together with the content; nothing here depends on it being strong.
        return hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    return None


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
