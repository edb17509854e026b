"""The models on disk: what is there, what comes, what goes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aim_jupyter.core import api
from aim_jupyter.core.records import CachedModel, CacheStats, EvictionRule, Startable
from aim_jupyter.verbs.frames import frame

if TYPE_CHECKING:
    import pandas as pd


def cache() -> pd.DataFrame:
    """Return the models on disk.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> complete = aim.cache().query("state == 'complete'")
    """
    return frame("cache", api.models_on_disk())


def cache_stats() -> CacheStats:
    """Return totals, folders, the hit rate of launches, and what the variables say, as a record.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> aim.cache_stats().totals.models                               # doctest: +SKIP
    """
    return api.cache_stats()


def cache_prefetch(
    *models: str, recipe: str | None = None, revision: str | None = None
) -> pd.DataFrame:
    """Bring models into the cache, verified; return them. What broke off goes on where it did.

    Parameters
    ----------
    *models : str
        Names of the catalogue, or repositories of the Hub.
    recipe, revision : str, optional
        The weights of this recipe, a branch, tag or commit; else those that a launch would take.

    Raises
    ------
    ModelMissing, StateUnusable, UnknownName
        With what went wrong and what to do.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> aim.cache_prefetch("Qwen/Qwen3-8B")                           # doctest: +SKIP
    """
    done: tuple[CachedModel, ...] = ()
    for fetch in api.prefetch(models, recipe=recipe, revision=revision):
        done = fetch.done
    return frame("cache", done)


def cache_verify(*models: str) -> pd.DataFrame:
    """Read models through, all if none is named, and return what is known of them then.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> damaged = aim.cache_verify().query("verified == False")
    """
    return frame("cache", list(api.verify(models)))


def cache_evict(
    *models: str,
    older_than_s: float | None = None,
    keep_bytes: int | None = None,
    free_bytes: int | None = None,
    yes: bool = False,
) -> pd.DataFrame:
    """Return what would go and what stays, and why; with `yes` it goes.

    Parameters
    ----------
    *models : str
        These alone; else the other arguments choose among all.
    older_than_s : float, optional
        What nobody has used for so many seconds.
    keep_bytes, free_bytes : int, optional
        What was used longest ago, until so much is left, or is freed.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> plan = aim.cache_evict(older_than_s=30 * 86400)
    """
    rule = EvictionRule(
        models=models, older_than_s=older_than_s, keep_bytes=keep_bytes, free_bytes=free_bytes
    )
    planned = api.evictions(rule)
    return frame("evict", api.evict(planned) if yes else planned)


def cache_pin(*models: str) -> pd.DataFrame:
    """Keep models whatever is evicted; return them.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> aim.cache_pin("Qwen/Qwen3-8B")                                # doctest: +SKIP
    """
    return frame("cache", api.pin(models))


def cache_unpin(*models: str) -> pd.DataFrame:
    """Let models be evicted again; return them.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> aim.cache_unpin("Qwen/Qwen3-8B")                              # doctest: +SKIP
    """
    return frame("cache", api.unpin(models))


def cache_why(model: str, recipe: str | None = None) -> Startable:
    """Return whether a model can start without network, and which files it lacks.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> aim.cache_why("demo").can_start
    True
    """
    return api.can_start(model, recipe)
