"""Whether a model can start from what is on disk: a folder, or a revision in one of the caches."""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from aim_jupyter.core import config, files, safetensors, users
from aim_jupyter.core.cache import index, needs, roots
from aim_jupyter.core.records import ModelKind

#: A repository that can be a folder in a folder; ``..`` is none.
_NAME = re.compile(r"\w[\w.-]*/\w[\w.-]*")


class Located(Struct, frozen=True, kw_only=True):
    """Where a model lies. `missing` names what it lacks; empty means that it can start.

    Attributes
    ----------
    path : str or None
        The folder of its files, None where nothing of it is on disk.
    folder : str or None
        What is held while it is used: of a repository in the Hub's layout, the whole of it.
    root : str or None
        The cache in which a repository of the Hub's layout lies; None for a plain folder.
    damaged : tuple of str
        Files that `cache verify` has found to be wrong.
    kind : ModelKind
        What lies there.
    older : str or None
        Of an incomplete one: the folder of an older revision that is whole.
    owner : str
        Whose it is, where it can't be read; else empty.
    named : bool
        Whether an engine finds this revision by the repository's name alone, without network.
    """

    path: str | None
    revision: str | None = None
    missing: tuple[str, ...] = ()
    folder: str | None = None
    root: str | None = None
    damaged: tuple[str, ...] = ()
    kind: ModelKind = "model"
    older: str | None = None
    owner: str = ""
    named: bool = True

    @property
    def complete(self) -> bool:
        """Whether every file that an engine needs is there, and none is known to be wrong."""
        whole = self.path is not None and not self.missing and not self.damaged
        return whole and not self.owner and self.kind in ("model", "config")


def locate(repo: str, revision: str | None = None) -> Located:
    """Return where the Hub's repository `repo` lies: where it is complete, else where most is.

    Examples
    --------
    >>> locate("nobody/nothing").complete
    False
    """
    found = Located(path=None, missing=("everything",))
    places = list(_places(repo, revision))
    # Of most models that are asked for nothing is here: then nothing is noted of them either.
    noted = index.read() if places else None
    for place in places:
        entry = noted.entry(place.folder or "") if noted else index.Entry()
        one = replace(place, damaged=entry.damaged)
        if one.complete:
            return one
        if found.path is None or len(one.missing) < len(found.missing):
            found = one
    return found


def repo_folder(repo: str) -> Path:
    """Return the folder that this user's cache keeps for a model repository."""
    return config.model_cache_dir() / roots.folder_name(repo)


def snapshot(repo: str, commit: str) -> Path:
    """Return the folder that a revision of a model has in this user's cache, there or not."""
    return repo_folder(repo) / "snapshots" / commit


def named(source: str) -> str:
    """Return what a revision's folder in a cache is called that comes from elsewhere than the Hub.

    Everything else, such as a repository or another folder, is returned as it is.
    """
    folder = Path(source)
    if folder.parent.name != "snapshots" or folder.parents[2] not in [
        root.path for root in roots.roots()
    ]:
        return source
    name = roots.repo_name(folder.parents[1].name.partition("--")[2])
    return name if "://" in name else source


def folder_in_use(model_path: str, root: str | None) -> Path | None:
    """Return what a server holds whose engine was told to load `model_path`.

    Parameters
    ----------
    root : str or None
        Its `HF_HUB_CACHE`.
    """
    if os.path.isabs(model_path):  # noqa: PTH117 - a repository is no path
        folder = Path(model_path)
        # Of a revision in the Hub's layout the whole repository is in use.
        return folder.parents[1] if folder.parent.name == "snapshots" else folder
    return Path(root) / roots.folder_name(model_path) if root else None


def missing_files(folder: Path) -> tuple[str, ...]:
    """Return which of the files that an engine needs a model's folder lacks."""
    return needs.missing(
        set(_files(folder)), lambda name: files.read_bounded(folder / name, safetensors.MOST_INDEX)
    )


def other_kind(folder: Path) -> ModelKind | None:
    """Return what the files of a folder are that are no part of a model; else None.

    A link that leads to nothing says so, too.
    """
    names = set(_files(folder, dangling=True))
    return None if not names or needs.is_of_model(names) else needs.kind(names)


def unreadable(folder: Path) -> str:
    """Return whose a folder is that may not be read, empty where it may be."""
    if not os.path.isdir(folder) or os.access(folder, os.R_OK | os.X_OK, effective_ids=True):  # noqa: PTH112
        return ""
    return owner(folder) or "another user"


def owner(path: Path) -> str:
    """Return whose a file or folder is; empty where that can't be told, or it is one's own."""
    for each in (path, *path.parents):
        with contextlib.suppress(OSError):
            uid = each.stat().st_uid
            return "" if uid == os.geteuid() else users.name(uid)
    return ""


def newest(snapshots: Iterable[tuple[str, float]], main: str | None) -> str | None:
    """Return the revision that a launch takes: of ``main``, else the one that came last.

    Parameters
    ----------
    snapshots : iterable of (str, float)
        Commits that are on disk, with the time at which each came.
    """
    found = dict(snapshots)
    return main if main in found else max(found, key=lambda one: found[one], default=None)


def _places(repo: str, revision: str | None) -> Iterator[Located]:
    for root in roots.roots():
        folder = root.path / roots.folder_name(repo)
        if os.path.isdir(folder):  # noqa: PTH112 - `Path.is_dir` raises where it may not look
            if whose := unreadable(folder):
                yield _closed(folder, whose)
            else:
                # By the address of another place no engine finds anything: it is told the folder.
                elsewhere = {"named": False} if "://" in repo else {}
                for found in _snapshot(folder, revision, str(root.path)):
                    yield replace(found, **elsewhere)
        plain = _plain(root.path, repo)
        if plain is not None:
            whose = unreadable(plain)
            yield _closed(plain, whose) if whose else _described(plain, folder=str(plain))


def _closed(folder: Path, whose: str) -> Located:
    return Located(path=str(folder), folder=str(folder), owner=whose)


def _described(path: Path, **facts: Any) -> Located:
    """Return what lies in a folder of files; what is no model lacks nothing that a model needs."""
    names = set(_files(path, dangling=True))
    missing = missing_files(path) if needs.is_of_model(names) else ()
    return Located(path=str(path), missing=missing, kind=needs.kind(names), **facts)


def _snapshot(folder: Path, revision: str | None, root: str) -> Iterator[Located]:
    commit = _commit(folder, revision or "main")
    named = commit is not None or revision is not None
    if not named:
        # Without refs, or with one that is ahead of what has come.
        commit = newest(_snapshots(folder), None)
    snapshot = folder / "snapshots" / commit if commit else None
    if snapshot is None or not snapshot.is_dir():
        return
    found = _described(snapshot, revision=commit, folder=str(folder), root=root, named=named)
    if not found.missing:
        yield found
        return
    others = sorted(_snapshots(folder), key=lambda one: -one[1])
    whole = (
        str(folder / "snapshots" / name)
        for name, _ in others
        if name != commit and not missing_files(folder / "snapshots" / name)
    )
    yield replace(found, older=next(whole, None))


def _snapshots(folder: Path) -> list[tuple[str, float]]:
    with contextlib.suppress(OSError), os.scandir(folder / "snapshots") as entries:
        return [(entry.name, entry.stat().st_mtime) for entry in entries if entry.is_dir()]
    return []


def _plain(root: Path, repo: str) -> Path | None:
    """Return the folder of plain files of a repository: its own, or as ModelScope writes a name.

    Which revision it is, such a folder does not say, and AMD's runtime does not ask. ModelScope
    writes each dot as three underscores and lets a link have the true name.
    """
    if not _NAME.fullmatch(repo):
        return None
    org, _, name = repo.partition("/")
    for each in (root / org / name, root / org / name.replace(".", "___")):
        if os.path.isdir(each):  # noqa: PTH112 - as above
            return each.resolve() if each.is_symlink() else each
    return None


def _files(folder: Path, *, dangling: bool = False) -> Iterator[str]:
    """Yield the files below a folder; with `dangling` also links that lead to nothing."""
    for path, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            file = Path(path, name)
            if dangling or (file.is_file() and not needs.hollow(name, file.stat().st_size)):
                yield str(file.relative_to(folder))


def _commit(folder: Path, revision: str) -> str | None:
    try:
        if revision in dict(_snapshots(folder)):
            return revision
        commit = files.read_bounded(folder / "refs" / revision, files.MOST_NOTE).decode().strip()
        # Of a file that was cut nothing is left, or a part of a name.
        return commit if commit in dict(_snapshots(folder)) else None
    except (OSError, ValueError):
        # Also a name with a null byte, which no file can have.
        return None
