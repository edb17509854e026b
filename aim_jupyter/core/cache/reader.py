"""Reads one repository of a cache, in either of its layouts.

Each file of a snapshot costs one `stat` through its link, which gives size, times and inode at
once; blobs are listed but looked at only where no link leads to them.

Paths are text here, not `pathlib.Path`, which would double the time (`benchmarks/cache.py`).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from aim_jupyter.core.cache import locating, needs, trees
from aim_jupyter.core.cache.hashing import unnoticed
from aim_jupyter.core.cache.repo import Repo, Revision
from aim_jupyter.core.records import CacheKind as Kind

INCOMPLETE = ".incomplete"
#: Files that systems leave in any folder.
_LITTER = frozenset((".DS_Store", "Thumbs.db", "desktop.ini"))
#: Files of at least so many bytes are looked at each time.
LARGE = 1 << 20
_KINDS: tuple[Kind, ...] = ("model", "GGUF", "adapter", "diffusers", "tokenizer", "config")


class Reader:
    """Reads one repository, and notes what a second look has to look at."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.inode = 0
        self.listed = False
        self.folders: list[tuple[str, int]] = []
        self.large: list[tuple[str, int, int]] = []
        self.accessed = self.looked_at = self.modified = 0.0
        #: From inode to bytes, of all blobs that a revision refers to.
        self.blobs: dict[int, int] = {}

    def hub(self, name: str, kind: Kind) -> Repo:
        """Return a repository of the Hub's layout."""
        self.inode = self._note(self.path)
        self.listed = self._note(f"{self.path}/{trees.FOLDER}") > 0
        refs = dict(self._refs(f"{self.path}/refs"))
        kinds: set[Kind] = set()
        revisions = []
        for entry in self._list(f"{self.path}/snapshots"):
            if is_folder(entry):
                revision, of_kind = self._revision(entry.name, entry.path, kind)
                revisions.append(revision)
                kinds.add(of_kind)
        stray, unfinished = self._unreferenced(f"{self.path}/blobs")
        if kind == "model" and not unfinished and kinds:
            kind = next(each for each in _KINDS if each in kinds)
        return self._repo(name, kind, refs, revisions, stray, unfinished)

    def plain(self, name: str) -> Repo:
        """Return a folder of plain files."""
        self.inode = self._note(self.path)
        revision, kind = self._revision(None, self.path, "model")
        return self._repo(name, kind, {}, [revision], [], [])

    def _repo(  # noqa: PLR0917 - facts of one record, in its order
        self,
        name: str,
        kind: Kind,
        refs: dict[str, str],
        revisions: list[Revision],
        stray: list[tuple[str, int]],
        unfinished: list[tuple[str, int]],
    ) -> Repo:
        return Repo(
            name=name,
            kind=kind,
            path=self.path,
            inode=self.inode,
            refs=refs,
            revisions=tuple(revisions),
            size_bytes=sum(self.blobs.values()) + sum(size for _, size in stray),
            stray=tuple(stray),
            unfinished=tuple(unfinished),
            accessed_at=self.accessed or self.looked_at or None,
            modified_at=self.modified or None,
            owner=locating.unreadable(Path(self.path)),
        )

    def _revision(self, commit: str | None, path: str, kind: Kind) -> tuple[Revision, Kind]:
        names: set[str] = set()
        hollow: set[str] = set()
        dangling: list[str] = []
        inodes: dict[int, int] = {}
        modified = 0.0
        for entry, name in self._walk(path, ""):
            try:
                facts = entry.stat()
            except OSError:
                dangling.append(name)
                continue
            size = facts.st_size
            (hollow if needs.hollow(name, size) else names).add(name)
            inodes[facts.st_ino] = size
            modified = max(modified, facts.st_mtime)
            self._note_access(name, facts)
            if size >= LARGE:
                self.large.append((_target(entry), size, facts.st_mtime_ns))
        self.blobs |= inodes
        self.modified = max(self.modified, modified)
        if kind == "model":
            every = {*names, *hollow, *dangling}
            kind, missing = needs.kind(every), tuple(dangling)
            if needs.is_of_model(every):
                missing = needs.missing(names, lambda name: _read(f"{path}/{name}"))
        else:
            missing = tuple(dangling)
        return Revision(
            commit=commit,
            path=path,
            files=len(names) + len(hollow),
            size_bytes=sum(inodes.values()),
            modified_at=modified or os.stat(path).st_mtime,
            expected_bytes=self._expected(commit, path),
            dangling=tuple(sorted(dangling)),
            missing=missing,
        ), kind

    def _expected(self, commit: str | None, path: str) -> int | None:
        if not self.listed or commit is None:
            return None
        return trees.expected_bytes(self.path, commit, lambda name: _read(f"{path}/{name}"))

    def _note_access(self, name: str, facts: os.stat_result) -> None:
        """Take the last access of large files: whoever lists models reads the small ones."""
        if facts.st_size >= LARGE and not name.endswith(".json"):
            self.accessed = max(self.accessed, facts.st_atime)
        else:
            self.looked_at = max(self.looked_at, facts.st_atime)

    def _walk(self, path: str, prefix: str) -> Iterator[tuple[os.DirEntry[str], str]]:
        for entry in self._list(path):
            if entry.name in _LITTER:
                continue
            # What `huggingface_hub` notes beside plain files is no part of the model.
            if entry.is_dir(follow_symlinks=False):
                if prefix or entry.name != ".cache":
                    yield from self._walk(entry.path, f"{prefix}{entry.name}/")
            else:
                yield entry, prefix + entry.name

    def _refs(self, path: str, prefix: str = "") -> Iterator[tuple[str, str]]:
        for entry in self._list(path):
            if entry.is_dir(follow_symlinks=False):
                yield from self._refs(entry.path, f"{prefix}{entry.name}/")
            elif entry.name not in _LITTER:
                self._note(entry.path)
                with contextlib.suppress(OSError, UnicodeDecodeError):
                    yield prefix + entry.name, _read(entry.path).decode().strip()

    def _unreferenced(self, path: str) -> tuple[list[tuple[str, int]], list[tuple[str, int]]]:
        """Return the stray and the unfinished blobs."""
        stray, unfinished = [], []
        for entry in self._list(path):
            if entry.name.endswith(INCOMPLETE):
                with contextlib.suppress(OSError):
                    # What was reserved but not written has no blocks.
                    facts = entry.stat()
                    unfinished.append((entry.path, min(facts.st_size, facts.st_blocks * 512)))
            elif entry.inode() not in self.blobs:
                with contextlib.suppress(OSError):
                    facts = entry.stat()
                    if facts.st_ino not in self.blobs:
                        stray.append((entry.path, facts.st_size))
        return stray, unfinished

    def _list(self, path: str) -> list[os.DirEntry[str]]:
        self._note(path)
        return entries(path)

    def _note(self, path: str) -> int:
        """Note when a folder or ref changed last; return its inode, 0 where it is absent."""
        # Before it is read: what changes meanwhile has another time next time.
        with contextlib.suppress(OSError):
            facts = os.stat(path)
            self.folders.append((path, facts.st_mtime_ns))
            return facts.st_ino
        return 0


def is_folder(entry: os.DirEntry[str]) -> bool:
    """Return whether it is a folder, or a link to one."""
    with contextlib.suppress(OSError):
        return entry.is_dir()
    return False


def entries(path: str) -> list[os.DirEntry[str]]:
    """Return what is in a folder, nothing where it can't be read."""
    with contextlib.suppress(OSError), os.scandir(path) as entries:
        return list(entries)
    return []


def _target(entry: os.DirEntry[str]) -> str:
    """Return where a link leads: to look there is half the way of looking through the link."""
    if not entry.is_symlink():
        return entry.path
    folder = os.path.dirname(entry.path)
    return os.path.normpath(os.path.join(folder, os.readlink(entry.path)))


def _read(path: str) -> bytes:
    with open(path, "rb", opener=unnoticed) as file:
        return file.read()
