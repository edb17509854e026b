"""``cache_index.json``: what the file system can't tell. Pins, launches, verification.

It lies in the cache that is written to, and speaks of models in shared caches too. Replaced as a
whole under a lock; a file that can't be read is kept aside before a new one is written, and as long
as it lies there nothing is known of pins, so nothing is evicted.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct, field
from msgspec.structs import replace

from aim_jupyter.core import config, files
from aim_jupyter.core.cache import holding
from aim_jupyter.core.cache.store import Store
from aim_jupyter.core.errors import StateUnusable
from aim_jupyter.core.records.kinds import resolved

NAME = "cache_index.json"
VERSION = 1


class Entry(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is noted of one repository. Times in epoch seconds.

    Attributes
    ----------
    verified : dict
        From commit to when all of its files were found to be what their names promise.
    damaged : tuple of str
        Files that were found to be something else, and have not been replaced since.
    expected_bytes : int or None
        What the last download had to bring in all.
    """

    pinned: bool = False
    launched_at: float | None = None
    verified: dict[str, float] = field(default_factory=dict)
    damaged: tuple[str, ...] = ()
    expected_bytes: int | None = None


class Index(Struct, frozen=True, kw_only=True):
    """The whole file.

    Attributes
    ----------
    entries : dict
        From the folder of a repository; in the file relative to it where it lies beside it.
    hits, misses : int
        Launches that found their model on disk, and that had to download first.
    """

    version: int = VERSION
    entries: dict[str, Entry] = field(default_factory=dict)
    hits: int = 0
    misses: int = 0

    def entry(self, folder: str) -> Entry:
        """Return what is noted of the repository in `folder`."""
        return self.entries.get(folder, _NOTHING)


_DECODER = msgspec.json.Decoder(resolved(Index))
_NOTHING = Entry()


def read() -> Index | None:
    """Return the index, an empty one where there is none; None if it can't be read."""
    store = _store()
    try:
        index = _DECODER.decode(store.read(NAME, files.MOST_JSON))
    except FileNotFoundError:
        return Index()
    except (*files.UNREADABLE, StateUnusable):
        return None
    beside = str(store.root)
    entries = {os.path.join(beside, key): entry for key, entry in index.entries.items()}  # noqa: PTH118 - of many
    return replace(index, entries=entries)


def _encoded(index: Index) -> bytes:
    beside = f"{config.model_cache_dir()}/"
    entries = {key.removeprefix(beside): entry for key, entry in index.entries.items()}
    return msgspec.json.encode(replace(index, entries=entries))


def change(folder: str | Path, edit: Callable[[Entry], Entry]) -> Entry:
    """Change what is noted of the repository in `folder`, and return it.

    Raises
    ------
    StateUnusable
        If the index can't be written.
    """
    key = str(folder)
    return _rewrite(lambda index: _noted(index, key, edit)).entry(key)


def _noted(index: Index, key: str, edit: Callable[[Entry], Entry]) -> Index:
    entries = {**index.entries, key: edit(index.entry(key))}
    return replace(index, entries={name: one for name, one in entries.items() if one != _NOTHING})


def forget(folder: str | Path) -> None:
    """Drop all that is noted of a repository; one that can't be dropped stays, and harms nobody."""
    with contextlib.suppress(StateUnusable):
        change(folder, lambda _: Entry())


def note_launch(folder: Path, *, hit: bool) -> None:
    """Count a launch. It must not fail because of the count: a cache may be read-only."""

    def counted(index: Index) -> Index:
        more = replace(index, hits=index.hits + hit, misses=index.misses + (not hit))
        return _noted(more, str(folder), lambda entry: replace(entry, launched_at=time.time()))

    with contextlib.suppress(StateUnusable):
        _rewrite(counted)


def _rewrite(edit: Callable[[Index], Index]) -> Index:
    store = _store()
    try:
        store.root.mkdir(parents=True, exist_ok=True)
        with holding.changing(store.root):
            index = read()
            if index is None:
                store.move(NAME, f"{NAME}.broken-{time.time_ns()}")
                index = Index()
            _check_version(index)
            # Whoever may write into the folder may also replace the file: so it is theirs to read.
            edited = edit(index)
            store.write(NAME, _encoded(edited))
            return edited
    except (OSError, StateUnusable) as error:
        words = error.strerror if isinstance(error, OSError) else error.found
        raise StateUnusable(
            f"{store.root / NAME} can't be written: {words}.",
            "set AIM_CACHE_DIR to a folder that you can write",
        ) from error


def _check_version(index: Index) -> None:
    if index.version > VERSION:
        raise StateUnusable("a newer aim_jupyter has written it")


def _store() -> Store:
    return Store(config.model_cache_dir())
