"""What the cache holds, as records."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from aim_jupyter.core import config
from aim_jupyter.core.cache.locating import locate, repo_folder
from aim_jupyter.core.records import CachedModel, CacheTotals


def models(in_use: Mapping[str, str] | None = None) -> list[CachedModel]:
    """Return the model repositories of the Hugging Face cache, largest first.

    Parameters
    ----------
    in_use : mapping
        From repository to the name of the server that uses it.
    """
    root = config.model_cache_dir()
    found = []
    with contextlib.suppress(OSError):
        for folder in root.glob("models--*"):
            repo = folder.name.removeprefix("models--").replace("--", "/", 1)
            found.append(_describe(repo, folder, (in_use or {}).get(repo)))
    return sorted(found, key=lambda model: (-model.size_bytes, model.model))


def totals(listed: list[CachedModel]) -> CacheTotals:
    """Return the cache in one line."""
    return CacheTotals(
        models=len(listed),
        incomplete=sum(model.state != "complete" for model in listed),
        size_bytes=sum(model.size_bytes for model in listed),
        free_bytes=_free_bytes(config.model_cache_dir()),
    )


def bytes_on_disk(repo: str) -> int:
    """Return the bytes of a repository that have arrived, unfinished files included."""
    return _sizes(repo_folder(repo) / "blobs")[0]


def _describe(repo: str, folder: Path, in_use_by: str | None) -> CachedModel:
    located = locate(repo)
    if located.path is None:
        # Not the main revision, then: the one that was fetched last.
        located = max(
            (locate(repo, revision) for revision in _revisions(folder)),
            key=lambda one: Path(one.path).stat().st_mtime if one.path else 0.0,
            default=located,
        )
    size, unfinished, used_at = _sizes(folder / "blobs")
    # An unfinished file is mostly also a missing one.
    missing = max(len(located.missing), unfinished)
    snapshot = Path(located.path) if located.path else None
    return CachedModel(
        model=repo,
        state="complete" if located.complete and not unfinished else "incomplete",
        size_bytes=size,
        revision=located.revision,
        files=sum(1 for _ in snapshot.rglob("*") if _.is_file()) if snapshot else 0,
        files_missing=missing,
        in_use_by=in_use_by,
        last_used_at=used_at,
        path=located.path or str(folder),
        reason=f"missing: {', '.join(located.missing)}" if located.missing else None,
    )


def _revisions(folder: Path) -> list[str]:
    with contextlib.suppress(OSError):
        return [entry.name for entry in os.scandir(folder / "snapshots") if entry.is_dir()]
    return []


def _sizes(blobs: Path) -> tuple[int, int, float | None]:
    """Return bytes, unfinished files and the last access (epoch seconds) of a blob folder."""
    size, unfinished, used_at = 0, 0, None
    try:
        entries = list(os.scandir(blobs))
    except OSError:
        return 0, 0, None
    for entry in entries:
        with contextlib.suppress(OSError):
            facts = entry.stat()
            size += facts.st_blocks * 512 if entry.name.endswith(".incomplete") else facts.st_size
            unfinished += entry.name.endswith(".incomplete")
            used_at = max(used_at or 0.0, facts.st_atime)
    return size, unfinished, used_at


def _free_bytes(folder: Path) -> int | None:
    for existing in (folder, *folder.parents):
        with contextlib.suppress(OSError):
            return shutil.disk_usage(existing).free
    return None
