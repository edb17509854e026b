"""What files hold, as hashes: read from their names where a cache names them so, else computed.

A blob in the Hub's layout is named by its content, and was compared with it when it came. Any
other file is read once; its hash is kept by path, size and time of change.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import msgspec
from msgspec import Struct

from aim_jupyter.core import config, files
from aim_jupyter.core.cache import hashing
from aim_jupyter.core.errors import StateUnusable
from aim_jupyter.core.records.kinds import resolved

#: Files of a folder that are looked at, and hashes that are kept.
MOST_FILES, MOST_KEPT = 4096, 4096
#: A larger file is named by its size, its head and its end: hashing it would hold up a start.
LARGEST_BYTES = 16 << 30
_BLOCK = 1 << 20
#: What no engine reads.
_IGNORED = (".cache", ".git", ".ipynb_checkpoints", "__pycache__")
_UNREAD = (".md", ".gitattributes", ".gitignore", ".png", ".jpg", ".pdf", ".lock", ".pyc")


class _Known(Struct, frozen=True, array_like=True):
    """A file as it was when it was read: bytes, nanoseconds, inode; and its hash."""

    size: int
    mtime_ns: int
    inode: int
    hash: str


_KNOWN = msgspec.json.Decoder(resolved(dict[str, _Known]))


def of(path: Path) -> dict[str, str]:
    """Return the hash of each file of a folder by its name, or of the one file that `path` is.

    Raises
    ------
    OSError
        If one can't be read.
    """
    found = dict(_named(path))
    known = _known()
    hashes: dict[str, str] = {}
    fresh: dict[str, _Known] = {}
    for name, file in found.items():
        by_name = _by_name(file)
        if by_name:
            hashes[name] = by_name
            continue
        stat = file.stat()
        seen = known.get(str(file))
        if seen is None or (seen.size, seen.mtime_ns, seen.inode) != (
            stat.st_size,
            stat.st_mtime_ns,
            stat.st_ino,
        ):
            seen = _Known(stat.st_size, stat.st_mtime_ns, stat.st_ino, computed(file))
            fresh[str(file)] = seen
        hashes[name] = seen.hash
    if fresh:
        _remember(fresh)
    return hashes


def computed(file: Path) -> str:
    """Return the hash of a file's content; of a very large one, of its head, end and size."""
    size = file.stat().st_size
    made = hashlib.sha256()
    with open(file, "rb", buffering=0, opener=hashing.unnoticed) as content:
        if size > LARGEST_BYTES:
            made.update(content.read(_BLOCK))
            content.seek(-_BLOCK, os.SEEK_END)
            made.update(content.read(_BLOCK))
            return f"ends:{size}:{made.hexdigest()}"
        while block := content.read(_BLOCK):
            made.update(block)
    return f"sha256:{made.hexdigest()}"


def damaged(path: Path, promised: dict[str, str]) -> tuple[str, ...]:
    """Return the files below `path` that are not what was promised: each is read again.

    Of one that is known by its head and its end, no more than these.

    Examples
    --------
    >>> damaged(Path("/no/such/folder"), {"config.json": "git:0"})
    ('config.json',)
    """
    found = dict(_named(path))
    return tuple(
        name for name, said in promised.items() if name not in found or not _is(found[name], said)
    )


def _is(file: Path, said: str) -> bool:
    kind, _, digest = said.partition(":")
    try:
        if kind == "git":
            return hashing.matches(file, digest) is True
        return computed(file) == said
    except OSError:
        return False


def _named(path: Path) -> Iterator[tuple[str, Path]]:
    if path.is_file():
        yield path.name, path
        return
    count = 0
    for folder, folders, names in os.walk(path, followlinks=False):
        folders[:] = sorted(name for name in folders if name not in _IGNORED)
        for name in sorted(names):
            file = Path(folder, name)
            if count < MOST_FILES and not name.endswith(_UNREAD) and file.is_file():
                count += 1
                yield str(file.relative_to(path)), file


def _by_name(file: Path) -> str:
    """Return the hash that a link into a cache's blobs names, empty where it is none."""
    if not file.is_symlink():
        return ""
    target = file.readlink()
    if target.parent.name != "blobs" or hashing.hasher(target.name, 0) is None:
        return ""
    return f"{'sha256' if len(target.name) == 64 else 'git'}:{target.name}"  # noqa: PLR2004


def _file() -> Path:
    return config.state_dir() / "hashes.json"


def _known() -> dict[str, _Known]:
    try:
        return _KNOWN.decode(files.read_bounded(_file()))
    except (*files.UNREADABLE, ValueError):
        return {}


def _remember(fresh: dict[str, _Known]) -> None:
    """Keep hashes; where that can't be, they are computed again."""
    known = {**_known(), **fresh}
    newest = dict(list(known.items())[-MOST_KEPT:])
    with contextlib.suppress(StateUnusable):
        files.private_folder(_file().parent)
        files.write_atomic(_file(), msgspec.json.encode(newest))
