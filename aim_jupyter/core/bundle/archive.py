"""A bundle written, and read through again."""

from __future__ import annotations

import hashlib
import os
import shutil
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import msgspec

from aim_jupyter.core import files
from aim_jupyter.core.bundle.contents import Contents, Piece
from aim_jupyter.core.cache.origins.listed import MANIFEST, manifest
from aim_jupyter.core.cache.store import Store, is_plain
from aim_jupyter.core.errors import BadUsage, ModelMissing, StateUnusable
from aim_jupyter.core.records import Bundle
from aim_jupyter.core.records.kinds import resolved
from aim_jupyter.core.sizes import amount

NAME = "bundle.json"
_MOST_SUMS = 64 << 20
_BLOCK = 1 << 20
Say = Callable[[str], None]


def write(contents: Contents, out: Path, say: Say) -> None:
    """Write a bundle. What is interrupted has no list of hashes, and is none.

    Raises
    ------
    BadUsage
        If something else lies there.
    StateUnusable
        If it can't be written, or the disk is too full.
    """
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise BadUsage(f"{out} is there already, and not empty.", "name a new folder by --out")
    bundle = contents.bundle
    try:
        out.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(out).free
        if free < bundle.size_bytes:
            raise StateUnusable(
                f"{out} has {amount(free)} free, {amount(bundle.size_bytes)} are needed.",
                "name a folder on another disk by --out",
            )
        store = Store(out)
        sums = {piece.name: _copied(store, piece) for piece in contents.pieces}
        if bundle.engine is not None:
            say(f"Packing {bundle.engine.name}.")
            sums[bundle.engine.archive] = _packed(store, bundle.engine.archive, contents.engine)
        text = msgspec.json.format(msgspec.json.encode(bundle), indent=1)
        store.write(NAME, text)
        sums[NAME] = hashlib.sha256(text).hexdigest()
        lines = "".join(f"{digest}  {name}\n" for name, digest in sums.items())
        store.write(MANIFEST, lines.encode())
    except OSError as error:
        raise StateUnusable(
            f"{error.filename or out} can't be written: {error.strerror}.", "name another --out"
        ) from error


def read(folder: Path) -> Bundle:
    """Return what a bundle says of itself.

    Raises
    ------
    ModelMissing
        If there is none.
    """
    try:
        text = files.read_bounded(folder / NAME, files.MOST_JSON)
        return msgspec.json.decode(text, type=resolved(Bundle))
    except files.UNREADABLE as error:
        raise ModelMissing(
            f"{folder} is no bundle that can be read: {_why(error)}.",
            "%aim bundle create demo --out DIR",
        ) from error


def sums(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each file of a bundle by name.

    Raises
    ------
    ModelMissing
        If it was not written to its end.
    """
    try:
        return manifest(files.read_bounded(folder / MANIFEST, _MOST_SUMS))
    except OSError as error:
        raise ModelMissing(
            f"{folder} has no {MANIFEST}: it was not written to its end.",
            "make it again, into another folder",
        ) from error


def faults(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield each file of a bundle with what is wrong with it, empty where it is as it was made."""
    listed = sums(folder)
    for name, digest in listed.items():
        yield name, _fault(folder, name, digest)
    there = {
        Path(path, name).relative_to(folder).as_posix()
        for path, _, names in os.walk(folder)
        for name in names
    }
    for name in sorted(there - {*listed, MANIFEST}):
        yield name, "nobody put it in"


def check(folder: Path, names: list[str]) -> None:
    """Read some files of a bundle through.

    Raises
    ------
    ModelMissing
        If one is not what it was.
    """
    listed = sums(folder)
    for name in names:
        wrong = _fault(folder, name, listed.get(name, ""))
        if wrong:
            raise ModelMissing(f"{name} of {folder} {wrong}.", "carry it here again")


def _fault(folder: Path, name: str, digest: str) -> str:
    if not is_plain(name):
        return "has a name that leads elsewhere"
    try:
        with os.fdopen(Store(folder).open(name, os.O_RDONLY), "rb") as file:
            found = hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError:
        return "is missing"
    except (OSError, StateUnusable):
        return "can't be read"
    return "" if found == digest else "is not what it was"


def _copied(store: Store, piece: Piece) -> str:
    """Write one file; return its SHA-256."""
    digest = hashlib.sha256()
    handle = store.open(piece.name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    with os.fdopen(handle, "wb") as to, piece.source.open("rb") as source:
        while block := source.read(_BLOCK):
            digest.update(block)
            to.write(block)
    return digest.hexdigest()


class _Hashed:
    """A file that is hashed as it is written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.digest = hashlib.sha256()

    def write(self, block: bytes) -> int:
        self.digest.update(block)
        return self._file.write(block)


def _packed(store: Store, name: str, inside: tuple[Piece, ...]) -> str:
    handle = store.open(name, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    with os.fdopen(handle, "wb") as file:
        to = _Hashed(file)
        # A stream: it is hashed in the order in which it is written.
        with tarfile.open(mode="w|", fileobj=to) as packed:  # type: ignore[call-overload]
            for piece in inside:
                packed.add(piece.source, piece.name, recursive=False, filter=_nobodys)
        return to.digest.hexdigest()


def _nobodys(member: tarfile.TarInfo) -> tarfile.TarInfo:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


def _why(error: Exception) -> str:
    return (isinstance(error, OSError) and error.strerror) or "it is not understood"
