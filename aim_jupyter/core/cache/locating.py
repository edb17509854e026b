"""Whether a model can start from what is on disk: a folder, or a revision in one of the caches."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from aim_jupyter.core import config
from aim_jupyter.core.cache import index, needs, roots

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
    """

    path: str | None
    revision: str | None = None
    missing: tuple[str, ...] = ()
    folder: str | None = None
    root: str | None = None
    damaged: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        """Whether every file that an engine needs is there, and none is known to be wrong."""
        return self.path is not None and not self.missing and not self.damaged


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


def folder_in_use(model_path: str, root: str | None) -> Path | None:
    """Return what a server holds whose engine was told to load `model_path`.

    Parameters
    ----------
    root : str or None
        Its `HF_HUB_CACHE`.
    """
    if os.path.isabs(model_path):  # noqa: PTH117 - a repository is no path
        return Path(model_path)
    return Path(root) / roots.folder_name(model_path) if root else None


def missing_files(folder: Path) -> tuple[str, ...]:
    """Return which of the files that an engine needs a model's folder lacks."""
    return needs.missing(set(_files(folder)), lambda name: (folder / name).read_bytes())


def _places(repo: str, revision: str | None) -> Iterator[Located]:
    for root in roots.roots():
        folder = root.path / roots.folder_name(repo)
        commit = _commit(folder, revision or "main") if folder.is_dir() else None
        snapshot = folder / "snapshots" / commit if commit else None
        if snapshot is not None and snapshot.is_dir():
            yield Located(
                path=str(snapshot),
                revision=commit,
                missing=missing_files(snapshot),
                folder=str(folder),
                root=str(root.path),
            )
        plain = root.path / repo
        # Which revision it is, such a folder does not say, and AMD's runtime does not ask.
        if _NAME.fullmatch(repo) and plain.is_dir():
            yield Located(path=str(plain), missing=missing_files(plain), folder=str(plain))


def _files(folder: Path) -> Iterator[str]:
    """Yield the files below a folder; a link may lead to nothing, and then is none."""
    for path, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in names:
            file = Path(path, name)
            if file.is_file():
                yield str(file.relative_to(folder))


def _commit(folder: Path, revision: str) -> str | None:
    try:
        if (folder / "snapshots" / revision).is_dir():
            return revision
        return (folder / "refs" / revision).read_text().strip()
    except (OSError, ValueError):
        # Also a name with a null byte, which no file can have.
        return None
