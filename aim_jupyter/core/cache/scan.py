"""What lies in a cache folder, read as fast as the file system allows.

Two layouts are known, in any folder: the Hub's ``models--<org>--<model>/{blobs,refs,snapshots}``,
and ``<org>/<model>`` with the files themselves, as AMD's AIM runtime downloads.

Each file of a snapshot costs one `stat` through its link, which gives size, times and inode at
once; blobs are listed but looked at only where no link leads to them. A second look at a repository
re-reads it only if one of its folders has changed, one of its refs (the Hub's library writes into
these), or one of its large files; so what somebody writes *into* a small file, keeping its name, is
noticed by `cache verify` alone.

Paths are text here, not `pathlib.Path`, which would double the time (`benchmarks/cache.py`).
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from msgspec import Struct

from aim_jupyter.core.cache import locating, needs, trees
from aim_jupyter.core.cache.hashing import unnoticed
from aim_jupyter.core.records import CacheKind

Kind = CacheKind

_PREFIXES: dict[str, Kind] = {"models": "model", "datasets": "dataset", "spaces": "space"}
INCOMPLETE = ".incomplete"
#: Files that systems leave in any folder.
_LITTER = frozenset((".DS_Store", "Thumbs.db", "desktop.ini"))
#: Files of at least so many bytes are looked at each time.
LARGE = 1 << 20
#: A folder that changed so shortly (seconds) before it was read may change again within the same
#: tick of the clock that file systems take their times from: it is read again next time.
_TICK_S = 0.05
_KINDS: tuple[Kind, ...] = ("model", "GGUF", "adapter", "diffusers", "tokenizer", "config")
_MARKS = (".safetensors", ".bin", ".gguf", ".pt")


class Revision(Struct, frozen=True, kw_only=True):
    """One revision of a repository. Sizes in bytes, times in epoch seconds.

    Attributes
    ----------
    commit : str or None
        None in a folder of plain files, which does not say.
    dangling : tuple of str
        Files whose link leads to nothing.
    missing : tuple of str
        What an engine can't start without; of models only.
    expected_bytes : int or None
        What an engine needs of it in all, where the Hub's list of its files was kept.
    """

    commit: str | None
    path: str
    files: int
    size_bytes: int
    modified_at: float
    expected_bytes: int | None = None
    dangling: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


class Repo(Struct, frozen=True, kw_only=True):
    """One repository in a cache. Sizes in bytes, times in epoch seconds.

    Attributes
    ----------
    inode : int
        Of its folder: by this the locks of whoever uses it are known.
    refs : dict
        From branch or tag to commit.
    size_bytes : int
        Of all revisions, each blob once, without what is unfinished.
    stray : tuple of (str, int)
        Blobs that no revision refers to, with their bytes.
    unfinished : tuple of (str, int)
        Files of downloads that are running or were broken off, with the bytes that have come.
    owner : str
        Whose it is, where it can't be read; else empty.
    """

    name: str
    kind: Kind
    path: str
    inode: int
    refs: dict[str, str]
    revisions: tuple[Revision, ...]
    size_bytes: int
    stray: tuple[tuple[str, int], ...]
    unfinished: tuple[tuple[str, int], ...]
    accessed_at: float | None
    modified_at: float | None
    owner: str = ""

    @property
    def current(self) -> Revision | None:
        """The revision that a launch would take: of ``main``, else the one that came last."""
        times = [(one.commit or "", one.modified_at) for one in self.revisions]
        chosen = locating.newest(times, self.refs.get("main"))
        return next((one for one in self.revisions if (one.commit or "") == chosen), None)

    @property
    def older(self) -> Revision | None:
        """A whole revision beside the current one, where that lacks something."""
        current = self.current
        if current is None or not current.missing:
            return None
        whole = [one for one in self.revisions if not one.missing]
        return max(whole, key=lambda one: one.modified_at, default=None)


class _Seen(NamedTuple):
    repo: Repo
    # Folders, and refs: whatever tells by its time that it has changed.
    folders: tuple[tuple[str, int], ...]
    large: tuple[tuple[str, int, int], ...]


_seen: dict[str, _Seen] = {}


def scan(root: Path) -> list[Repo]:
    """Return all repositories below `root`, in the order of the folder; none where it is absent.

    What can't be read is left out; a folder that holds no revision yet is listed without one.
    """
    found = []
    for path, name, prefix in _folders(str(root)):
        repo = _again(path) or _anew(path, name, prefix)
        if repo is not None:
            found.append(repo)
    return found


def read_repo(path: Path) -> Repo | None:
    """Return one repository of the Hub's layout, read anew; None if there is none at `path`."""
    prefix, _, rest = path.name.partition("--")
    if prefix not in _PREFIXES or not path.is_dir():
        return None
    return _anew(str(path), rest.replace("--", "/"), prefix)


def _folders(root: str) -> Iterator[tuple[str, str, str | None]]:
    """Yield path, name and prefix of each repository's folder; no prefix in AIM's layout."""
    for entry in _entries(root):
        prefix, separator, rest = entry.name.partition("--")
        if separator and prefix in _PREFIXES:
            yield entry.path, rest.replace("--", "/"), prefix
        elif not separator and not entry.name.startswith(".") and _is_folder(entry):
            yield from _plain(entry)


def _plain(org: os.DirEntry[str]) -> Iterator[tuple[str, str, str | None]]:
    """Yield the folders of plain files below one; a link to one beside it is only its name."""
    inside = [each for each in _entries(org.path) if _is_folder(each)]
    links = {os.path.realpath(each.path): each.name for each in inside if each.is_symlink()}
    for each in inside:
        real = os.path.realpath(each.path)
        if each.is_symlink() and os.path.dirname(real) == os.path.realpath(org.path):
            continue
        if _looks_like_model(each.path) or not os.access(
            each.path, os.R_OK | os.X_OK, effective_ids=True
        ):
            # ModelScope writes a dot of the name so.
            name = links.get(real, each.name.replace("___", "."))
            yield each.path, f"{org.name}/{name}", None


def _is_folder(entry: os.DirEntry[str]) -> bool:
    with contextlib.suppress(OSError):
        return entry.is_dir()
    return False


def _looks_like_model(path: str) -> bool:
    return any(each.name == "config.json" or each.name.endswith(_MARKS) for each in _entries(path))


def _entries(path: str) -> list[os.DirEntry[str]]:
    with contextlib.suppress(OSError), os.scandir(path) as entries:
        return list(entries)
    return []


def _again(path: str) -> Repo | None:
    """Return what was found last time, if nothing has changed since."""
    seen = _seen.get(path)
    if seen is None:
        return None
    accessed = seen.repo.accessed_at
    try:
        for folder, changed in seen.folders:
            if os.stat(folder).st_mtime_ns != changed:
                return None
        for file, size, changed in seen.large:
            facts = os.stat(file)
            if facts.st_mtime_ns != changed or facts.st_size != size:
                return None
            if not file.endswith(".json") and facts.st_atime > (accessed or 0.0):
                accessed = facts.st_atime
    except OSError:
        return None
    if accessed == seen.repo.accessed_at:
        return seen.repo
    return _with_access(seen, accessed)


def _with_access(seen: _Seen, accessed: float | None) -> Repo:
    from msgspec.structs import replace  # noqa: PLC0415 - rare

    repo = replace(seen.repo, accessed_at=accessed)
    _seen[repo.path] = seen._replace(repo=repo)
    return repo


def _anew(path: str, name: str, prefix: str | None) -> Repo | None:
    began = time.time_ns()
    reader = _Reader(path)
    repo = reader.hub(name, _PREFIXES[prefix]) if prefix else reader.plain(name)
    newest = max((changed for _, changed in reader.folders), default=0)
    if repo.unfinished or began - newest < _TICK_S * 1e9 or not reader.folders:
        _seen.pop(path, None)
    else:
        _seen[path] = _Seen(repo, tuple(reader.folders), tuple(reader.large))
    return repo


class _Reader:
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
            if _is_folder(entry):
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
        dangling: list[str] = []
        inodes: dict[int, int] = {}
        modified = 0.0
        for entry, name in self._walk(path, ""):
            try:
                facts = entry.stat()
            except OSError:
                dangling.append(name)
                continue
            names.add(name)
            size = facts.st_size
            inodes[facts.st_ino] = size
            modified = max(modified, facts.st_mtime)
            self._note_access(name, facts)
            if size >= LARGE:
                self.large.append((_target(entry), size, facts.st_mtime_ns))
        self.blobs |= inodes
        self.modified = max(self.modified, modified)
        if kind == "model":
            every = {*names, *dangling}
            kind, missing = needs.kind(every), tuple(dangling)
            if needs.is_of_model(every):
                missing = needs.missing(names, lambda name: _read(f"{path}/{name}"))
        else:
            missing = tuple(dangling)
        return Revision(
            commit=commit,
            path=path,
            files=len(names),
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
        return _entries(path)

    def _note(self, path: str) -> int:
        """Note when a folder or ref changed last; return its inode, 0 where it is absent."""
        # Before it is read: what changes meanwhile has another time next time.
        with contextlib.suppress(OSError):
            facts = os.stat(path)
            self.folders.append((path, facts.st_mtime_ns))
            return facts.st_ino
        return 0


def _target(entry: os.DirEntry[str]) -> str:
    """Return where a link leads: to look there is half the way of looking through the link."""
    if not entry.is_symlink():
        return entry.path
    folder = os.path.dirname(entry.path)
    return os.path.normpath(os.path.join(folder, os.readlink(entry.path)))


def _read(path: str) -> bytes:
    with open(path, "rb", opener=unnoticed) as file:
        return file.read()
