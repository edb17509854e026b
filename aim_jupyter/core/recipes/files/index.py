"""What the recipe files of a folder say, kept so that unchanged files are parsed only once.

A file is unchanged while its size and time of change are. The index is beside the point wherever
it can't be read or written: then every file is parsed, as on the first look.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Literal

import msgspec
from msgspec import Raw, Struct

from aim_jupyter.core import config, files
from aim_jupyter.core.errors import RecipeInvalid, StateUnusable
from aim_jupyter.core.recipes.files.document import Document
from aim_jupyter.core.recipes.files.reading import read
from aim_jupyter.core.records import Model, Recipe, recipe
from aim_jupyter.core.records.kinds import resolved

_READERS = ("document", "expansion", "format", "profile", "prototype", "reading")

_encode = msgspec.msgpack.Encoder().encode


class Entry(Struct, frozen=True, array_like=True, gc=False):
    """One file; `payload` is a `Model`, a `Recipe` or the two lines of a problem.

    Kept from the garbage collector, which would look at each of 17,000 again and again.
    """

    path: str
    mtime_ns: int
    size: int
    kind: Literal["model", "profile", "problem", "nothing"]
    name: str
    payload: Raw

    @property
    def model(self) -> Model:
        """The model of a file that has one."""
        return msgspec.msgpack.decode(self.payload, type=resolved(Model))

    @property
    def recipe(self) -> Recipe:
        """The recipe of one of AMD's files."""
        return msgspec.msgpack.decode(self.payload, type=resolved(Recipe))

    @property
    def problem(self) -> RecipeInvalid:
        """What is wrong with the file."""
        return RecipeInvalid(*msgspec.msgpack.decode(self.payload, type=tuple[str, str]))


class _Index(Struct, frozen=True, array_like=True):
    version: str
    entries: list[Entry]


def entries(folder: Path) -> list[Entry]:
    """Return an entry for every recipe file below `folder`, by path."""
    kept = {entry.path: entry for entry in _load(folder)}
    found = [_entry(folder, kept.get(path), path, facts) for path, facts in _files(folder)]
    if found != list(kept.values()):
        _save(folder, found)
    return found


def _files(folder: Path) -> list[tuple[str, os.stat_result]]:
    """Return path below `folder` and facts of each recipe file, sorted; hidden ones left out."""
    start = len(str(folder)) + 1
    return sorted((path[start:], facts) for path, facts in _walk(str(folder)))


def _walk(folder: str) -> Iterator[tuple[str, os.stat_result]]:
    try:
        inside = list(os.scandir(folder))
    except OSError:
        return  # a folder that is not there, or not ours to read, holds no recipes for us
    for item in inside:
        if item.name.startswith("."):
            continue
        if item.is_dir(follow_symlinks=False):
            yield from _walk(item.path)
        elif item.name.endswith(".yaml"):
            with contextlib.suppress(OSError):  # gone since, or a link to nothing
                yield item.path, item.stat()


def _entry(folder: Path, kept: Entry | None, path: str, facts: os.stat_result) -> Entry:
    if kept and (kept.mtime_ns, kept.size) == (facts.st_mtime_ns, facts.st_size):
        return kept
    kind, name, content = _content(folder, path)
    return Entry(path, facts.st_mtime_ns, facts.st_size, kind, name, Raw(_encode(content)))


def _content(
    folder: Path, path: str
) -> tuple[Literal["model", "profile", "problem", "nothing"], str, object]:
    try:
        found = read(Document.open(folder / path), PurePath(path))
    except RecipeInvalid as problem:
        return "problem", "", (problem.found, problem.hint)
    if isinstance(found, Recipe):
        return "profile", found.model, found
    if isinstance(found, Model):
        return "model", found.name, found
    return "nothing", "", None


def _load(folder: Path) -> list[Entry]:
    try:
        index = msgspec.msgpack.decode(_place(folder).read_bytes(), type=resolved(_Index))
    except files.UNREADABLE:
        return []
    return index.entries if index.version == _version() else []


def _save(folder: Path, found: list[Entry]) -> None:
    place = _place(folder)
    with contextlib.suppress(StateUnusable):
        files.private_folder(config.state_dir())
        files.private_folder(place.parent)
        files.write_atomic(place, _encode(_Index(_version(), found)))


def _place(folder: Path) -> Path:
    name = hashlib.sha256(str(folder.absolute()).encode()).hexdigest()[:24]
    return config.state_dir() / "recipes" / f"{name}.msgpack"


@functools.cache
def _version() -> str:
    """Return what changes whenever the same file might be read otherwise."""
    here = Path(__file__).parent
    modules = [here / f"{name}.py" for name in _READERS]
    stamps = [path.stat().st_mtime_ns for path in (*modules, Path(recipe.__file__))]
    return hashlib.sha256(repr(stamps).encode()).hexdigest()[:16]
