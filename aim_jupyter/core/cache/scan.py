"""What lies in a cache folder, read as fast as the file system allows.

Two layouts are known, in any folder: the Hub's ``models--<org>--<model>/{blobs,refs,snapshots}``,
and ``<org>/<model>`` with the files themselves, as AMD's AIM runtime downloads.

A second look at a repository re-reads it only if one of its folders has changed, one of its refs
(the Hub's library writes into these), or one of its large files; so what somebody writes *into* a
small file, keeping its name, is noticed by `cache verify` alone. Paths are text, as in `reader`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from aim_jupyter.core.cache.reader import Reader, entries, is_folder
from aim_jupyter.core.cache.repo import Repo
from aim_jupyter.core.cache.roots import repo_name
from aim_jupyter.core.records import CacheKind as Kind

_PREFIXES: dict[str, Kind] = {"models": "model", "datasets": "dataset", "spaces": "space"}
#: A folder that changed so shortly (seconds) before it was read may change again within the same
#: tick of the clock that file systems take their times from: it is read again next time.
_TICK_S = 0.05
_TELL = ("config.json", "params.json", "adapter_config.json", "model_index.json")
_MARKS = (".safetensors", ".bin", ".gguf", ".pt")


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
    return _anew(str(path), repo_name(rest), prefix)


def _folders(root: str) -> Iterator[tuple[str, str, str | None]]:
    """Yield path, name and prefix of each repository's folder; no prefix in AIM's layout."""
    for entry in entries(root):
        prefix, separator, rest = entry.name.partition("--")
        if separator and prefix in _PREFIXES:
            yield entry.path, repo_name(rest), prefix
        elif not separator and not entry.name.startswith(".") and is_folder(entry):
            yield from _plain(entry)


def _plain(org: os.DirEntry[str]) -> Iterator[tuple[str, str, str | None]]:
    """Yield the folders of plain files below one; a link to one beside it is only its name."""
    inside = [each for each in entries(org.path) if is_folder(each)]
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


def _looks_like_model(path: str) -> bool:
    inside = entries(path)
    return any(each.name in _TELL or each.name.endswith(_MARKS) for each in inside) or any(
        # GGUF in parts has a folder of its own for each quantization.
        below.name.endswith(".gguf")
        for each in inside
        if is_folder(each)
        for below in entries(each.path)
    )


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
    reader = Reader(path)
    repo = reader.hub(name, _PREFIXES[prefix]) if prefix else reader.plain(name)
    newest = max((changed for _, changed in reader.folders), default=0)
    if repo.unfinished or began - newest < _TICK_S * 1e9 or not reader.folders:
        _seen.pop(path, None)
    else:
        _seen[path] = _Seen(repo, tuple(reader.folders), tuple(reader.large))
    return repo
