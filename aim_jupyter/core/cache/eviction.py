"""What would go if room is needed, and letting it go.

The decision is a pure function of the listing. What is in use, pinned, downloading or in a cache
that is only read always stays; so does everything while the index of pins can't be read. Carrying
it out looks again at each: whoever has begun to use a model since keeps it.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from aim_jupyter.core.cache import holding, index
from aim_jupyter.core.cache.store import Store
from aim_jupyter.core.errors import StateUnusable
from aim_jupyter.core.records import CachedModel, Eviction, EvictionRule

DAY_S = 86400.0
#: In the name of what is being removed.
_GONE = ".evicted-"


def decide(listed: Sequence[CachedModel], rule: EvictionRule, now: float) -> list[Eviction]:
    """Return for each model whether it goes or stays and why, those that go first.

    Parameters
    ----------
    now : float
        Seconds since the epoch.
    """
    ours = sum(model.size_bytes for model in listed if not model.shared)
    wanted = max(
        0,
        rule.free_bytes or 0,
        ours - rule.keep_bytes if rule.keep_bytes is not None else 0,
    )
    chosen, freed = [], 0
    for model in sorted(listed, key=lambda one: (one.last_used_at or 0.0, one.model)):
        why_not = _protected(model)
        why = None if why_not else _why(model, rule, now, wanted - freed)
        freed += model.size_bytes if why else 0
        why_not = why_not or _stays(model, rule, now)
        chosen.append(_eviction(model, why or why_not, evict=bool(why)))
    return sorted(chosen, key=lambda one: not one.evict)


def carry_out(planned: Iterable[Eviction]) -> list[Eviction]:
    """Remove what a plan lets go; return what came of each.

    Raises
    ------
    StateUnusable
        If something can't be removed; what went before it is gone.
    """
    return [_remove(one) if one.evict else one for one in planned]


def _why(model: CachedModel, rule: EvictionRule, now: float, wanted: int) -> str | None:
    """Return why a model goes, None if it stays."""
    if rule.models and model.model not in rule.models:
        return None
    if rule.older_than_s is not None and now - (model.last_used_at or 0.0) >= rule.older_than_s:
        days = (now - model.last_used_at) / DAY_S if model.last_used_at else None
        return "never used" if days is None else f"not used for {days:.0f} days"
    if wanted > 0:
        return "used longest ago"
    choosing = rule.older_than_s is None and rule.keep_bytes is None and rule.free_bytes is None
    return "asked for by name" if rule.models and choosing else None


def _stays(model: CachedModel, rule: EvictionRule, now: float) -> str:
    """Return why a model stays that might go."""
    if rule.models and model.model not in rule.models:
        return "not asked for"
    if rule.older_than_s is not None and model.last_used_at is not None:
        return f"used {max(0.0, now - model.last_used_at) / DAY_S:.0f} days ago"
    return "there is room for it"


def _protected(model: CachedModel) -> str | None:
    """Return why a model stays whatever is asked for, None if it may go."""
    reasons = {
        f"not yours: it {model.reason}": model.state == "unreadable",
        "in a cache that is only read": model.shared,
        f"in use by {model.in_use_by}": model.in_use_by is not None,
        "pinned": model.pinned is True,
        "the index of pins can't be read": model.pinned is None,
        "downloading": model.state == "downloading",
    }
    return next((reason for reason, so in reasons.items() if so), None)


def _eviction(model: CachedModel, reason: str, *, evict: bool) -> Eviction:
    return Eviction(
        model=model.model,
        evict=evict,
        frees_bytes=model.size_bytes if evict else 0,
        kind=model.kind,
        last_used_at=model.last_used_at,
        reason=reason,
        folder=model.folder,
        source=model.source,
    )


def _remove_tree(store: Store, gone: str, name: str) -> None:
    """Remove what was moved out of the way; what can't be removed gets its name back."""
    try:
        store.clear(gone)
    except OSError:
        with contextlib.suppress(OSError):
            store.move(gone, name)
        raise


def _remove_rest(store: Store, name: str) -> None:
    """Remove what an eviction that was killed has left, and the names that led to the model."""
    folder = str(store.root / name)
    with contextlib.suppress(OSError, StateUnusable):
        for entry in list(store.root.iterdir()):
            if entry.is_symlink() and os.path.realpath(entry) == folder:
                store.remove(entry.name)
            elif entry.name.startswith(f".{name}{_GONE}"):
                store.clear(entry.name)


def _remove(one: Eviction) -> Eviction:
    from msgspec.structs import replace  # noqa: PLC0415 - rare

    folder = Path(one.folder)
    store, name = Store(folder.parent), folder.name
    with holding.alone(folder) as alone:
        if not alone:
            return replace(one, evict=False, frees_bytes=0, reason="somebody uses it now")
        try:
            # Out of the way first, in one step: a half-removed model must not look like one.
            gone = f".{name}{_GONE}{os.getpid()}"
            store.move(name, gone)
            _remove_tree(store, gone, name)
        except OSError as error:
            raise StateUnusable(
                f"{folder} can't be removed: {error.strerror}.",
                "look who owns it: only its owner can evict it",
            ) from error
    with contextlib.suppress(OSError, StateUnusable):
        store.clear(f".locks/{name}")
    _remove_rest(store, name)
    index.forget(folder)
    return replace(one, done=True)
