"""Models on disk."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

CacheState = Literal["complete", "incomplete", "downloading"]


class CachedModel(Struct, frozen=True, kw_only=True):
    """One revision of one repository in the cache. Sizes in bytes, times in epoch seconds."""

    model: str
    state: CacheState
    size_bytes: int
    expected_bytes: int | None = None
    revision: str | None = None
    files: int = 0
    files_missing: int | None = None
    in_use_by: str | None = None
    pinned: bool | None = None
    last_used_at: float | None = None
    path: str | None = None
    reason: str | None = None
