"""What the caches hold, as records: one view over all folders and both layouts."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Mapping
from pathlib import Path

from aim_jupyter.core import config
from aim_jupyter.core.cache import holding, index, roots
from aim_jupyter.core.cache.index import Entry, Index
from aim_jupyter.core.cache.repo import Repo, Revision
from aim_jupyter.core.cache.roots import Root
from aim_jupyter.core.cache.scan import scan
from aim_jupyter.core.records import CachedModel, CacheState, CacheTotals
from aim_jupyter.core.records.plan import SourceKind

#: Names of missing files that a reason lists.
_NAMED = 3
#: What the folders of the Hub's layout begin with.
_HUB = ("models--", "datasets--", "spaces--")
#: Letters of a commit that are shown.
_SHORT = 7


def models(in_use: Mapping[str, str] | None = None) -> list[CachedModel]:
    """Return everything in the caches, largest first.

    Parameters
    ----------
    in_use : mapping
        From the folder of a repository to the name of the server that uses it.
    """
    used, noted, held = in_use or {}, index.read(), holding.holders()
    found = [
        _describe(root, repo, used.get(repo.path) or held.get(repo.inode), noted)
        for root in roots.roots()
        for repo in scan(root.path)
    ]
    return sorted(found, key=lambda model: (-model.size_bytes, model.model))


def totals(listed: list[CachedModel]) -> CacheTotals:
    """Return the cache in one line."""
    return CacheTotals(
        models=sum(model.kind not in ("dataset", "space") for model in listed),
        incomplete=sum(model.state != "complete" for model in listed),
        size_bytes=sum(model.size_bytes for model in listed),
        free_bytes=free_bytes(config.model_cache_dir()),
        in_use=sum(model.in_use_by is not None for model in listed),
    )


def free_bytes(folder: Path) -> int | None:
    """Return the free bytes of the disk on which `folder` lies or would lie."""
    for existing in (folder, *folder.parents):
        with contextlib.suppress(OSError):
            return shutil.disk_usage(existing).free
    return None


def _describe(root: Root, repo: Repo, in_use_by: str | None, noted: Index | None) -> CachedModel:
    entry = noted.entry(repo.path) if noted else Entry()
    revision = repo.current
    missing = revision.missing if revision else ("everything",)
    size = repo.size_bytes + sum(size for _, size in repo.unfinished)
    return CachedModel(
        model=repo.name,
        state=_state(repo, missing, entry),
        size_bytes=size,
        expected_bytes=entry.expected_bytes or (revision.expected_bytes if revision else None),
        revision=revision.commit if revision else None,
        files=revision.files if revision else 0,
        # An unfinished file is mostly also a missing one.
        files_missing=max(len(missing), len(repo.unfinished)),
        in_use_by=in_use_by,
        pinned=entry.pinned if noted else None,
        last_used_at=max(filter(None, (entry.launched_at, repo.accessed_at)), default=None),
        path=revision.path if revision else repo.path,
        reason=_reason(repo, missing, entry),
        kind=repo.kind,
        verified=_verified(revision, entry),
        shared=root.shared,
        folder=repo.path,
        source=_source(repo),
    )


def _source(repo: Repo) -> SourceKind:
    """Return where a repository came from: by its name, its layout, or what is noted in it."""
    hub = Path(repo.path).name.startswith(_HUB)
    if hub and "://" not in repo.name:
        return "hub"
    from aim_jupyter.core.cache import packages  # noqa: PLC0415 - brings the download with it

    return packages.source_of(repo.name, Path(repo.path)).kind


def _state(repo: Repo, missing: tuple[str, ...], entry: Entry) -> CacheState:
    if repo.owner:
        return "unreadable"
    if not (missing or repo.unfinished or entry.damaged):
        return "complete"
    locks = Path(repo.path).parent / ".locks" / Path(repo.path).name
    names = (Path(path).name.partition(".")[0] for path, _ in repo.unfinished)
    if any(holding.locked(locks / f"{name}.lock") for name in names):
        return "downloading"
    return "incomplete"


def _reason(repo: Repo, missing: tuple[str, ...], entry: Entry) -> str | None:
    if repo.owner:
        return f"can't be read: it belongs to {repo.owner}"
    if entry.damaged:
        return f"damaged: {', '.join(entry.damaged[:_NAMED])}"
    if not missing:
        return None
    older = repo.older
    beside = f"; the older revision {(older.commit or '')[:_SHORT]} is whole" if older else ""
    return f"missing: {', '.join(missing)}{beside}"


def _verified(revision: Revision | None, entry: Entry) -> bool | None:
    """Whether it was verified, and nothing has been written into it since."""
    if entry.damaged:
        return False
    at = entry.verified.get(revision.commit or "") if revision else None
    return True if at is not None and revision and revision.modified_at <= at else None
