"""Models on disk."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from aim_jupyter.core.records.plan import SourceKind

CacheState = Literal["complete", "incomplete", "downloading", "unreadable"]
ModelKind = Literal["model", "GGUF", "adapter", "diffusers", "tokenizer", "config"]
CacheKind = ModelKind | Literal["dataset", "space"]


class CachedModel(Struct, frozen=True, kw_only=True):
    """One repository on disk. Sizes in bytes, times in epoch seconds.

    Attributes
    ----------
    size_bytes : int
        Of all its revisions, with what is unfinished.
    revision, files, files_missing
        Of the revision that a launch would take.
    pinned : bool or None
        None where the index can't be read, so that nobody knows.
    last_used_at : float or None
        The last launch, or the last time that somebody read one of its files.
    path : str or None
        The folder that an engine would be given.
    kind : str
        What is there: a model, its tokenizer or config alone, weights of another kind; a dataset.
    verified : bool or None
        Whether all files are what the Hub has promised; None where nobody has looked.
    shared : bool
        Whether it lies in a cache that is only read.
    folder : str
        What would go if it were evicted.
    source : SourceKind
        Where it came from; ``folder`` where nobody has noted it.
    """

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
    kind: CacheKind = "model"
    verified: bool | None = None
    shared: bool = False
    folder: str = ""
    source: SourceKind = "hub"


class EvictionRule(Struct, frozen=True, kw_only=True):
    """What is to go. None of a field asks for nothing.

    Attributes
    ----------
    models : tuple of str
        These; none means that the other fields choose among all.
    older_than_s : float or None
        What nobody has used for so many seconds.
    keep_bytes : int or None
        What has not been used for the longest time, until no more than this is left.
    free_bytes : int or None
        The same, until so much would be freed.
    """

    models: tuple[str, ...] = ()
    older_than_s: float | None = None
    keep_bytes: int | None = None
    free_bytes: int | None = None


class Eviction(Struct, frozen=True, kw_only=True):
    """Whether one repository goes or stays, and why. Sizes in bytes, times in epoch seconds.

    Attributes
    ----------
    source : SourceKind
        From where it would be fetched again; ``folder`` is from nowhere that is known.
    done : bool
        Whether it has gone.
    """

    model: str
    evict: bool
    frees_bytes: int
    kind: CacheKind
    reason: str
    folder: str
    last_used_at: float | None = None
    done: bool = False
    source: SourceKind = "hub"


class Startable(Struct, frozen=True, kw_only=True):
    """Whether a model can start without network, and if not, what it lacks.

    Attributes
    ----------
    model : str
        As it was asked for.
    repo : str or None
        The repository that holds its weights; None for a folder and for the demo.
    missing, damaged : tuple of str
        Files that are not there, and files that `cache verify` has found to be wrong.
    reason, step : str
        Why it can't start, in the words of a launch, and what to do; empty where it can.
    note : str
        What holds although it can start.
    """

    model: str
    can_start: bool
    repo: str | None = None
    path: str | None = None
    revision: str | None = None
    missing: tuple[str, ...] = ()
    damaged: tuple[str, ...] = ()
    shared: bool = False
    reason: str = ""
    step: str = ""
    note: str = ""


class Setting(Struct, frozen=True, kw_only=True):
    """One variable: what holds, and where that comes from."""

    name: str
    value: str
    source: str


class CacheTotals(Struct, frozen=True, kw_only=True):
    """The cache in one line. Sizes in bytes."""

    models: int
    incomplete: int
    size_bytes: int
    free_bytes: int | None = None
    in_use: int = 0


class CacheFolder(Struct, frozen=True, kw_only=True):
    """One folder that is looked into. Sizes in bytes; None where the disk can't be asked."""

    path: str
    shared: bool
    size_bytes: int
    repos: int
    free_bytes: int | None = None


class CacheKindTotal(Struct, frozen=True, kw_only=True):
    """What there is of one kind, in bytes."""

    kind: CacheKind
    repos: int
    size_bytes: int


class CompiledCache(Struct, frozen=True, kw_only=True):
    """What engines have compiled, or learned of a model's code. Size in bytes."""

    path: str
    size_bytes: int


class CacheStats(Struct, frozen=True, kw_only=True):
    """The caches as a whole. Sizes in bytes.

    Attributes
    ----------
    pinned_bytes, in_use_bytes : int
        What an eviction would leave in any case.
    hits, misses : int or None
        Launches that found their model on disk, and that had to download; None if nobody knows.
    """

    totals: CacheTotals
    kinds: tuple[CacheKindTotal, ...]
    folders: tuple[CacheFolder, ...]
    settings: tuple[Setting, ...]
    pinned_bytes: int
    in_use_bytes: int
    compiled: tuple[CompiledCache, ...] = ()
    hits: int | None = None
    misses: int | None = None

    @property
    def hit_rate(self) -> float | None:
        """The share of launches that found their model on disk, None before the first."""
        if self.hits is None or self.misses is None or not self.hits + self.misses:
            return None
        return self.hits / (self.hits + self.misses)
