"""The models that can be launched here, with what each would be: what the pickers list.

Nothing is asked of the Hub: a model is judged by what the catalogue or its own folder says, so the
list and its verdicts are there at once, and without a network.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from aim_jupyter.core import config
from aim_jupyter.core.api import finding
from aim_jupyter.core.api.lifecycle import models_on_disk
from aim_jupyter.core.api.plans import DEMO, default_model, meant
from aim_jupyter.core.checkpoint.folder import has_config
from aim_jupyter.core.errors import AimError
from aim_jupyter.core.planning import resolving
from aim_jupyter.core.records import CachedModel, Choice, ServerView
from aim_jupyter.core.records.known import KnownModel, KnownModels
from aim_jupyter.core.request import Request
from aim_jupyter.core.sizes import GIB

_STANDINGS = ("running", "on disk", "to download")
_VERDICTS = ("FITS", "TIGHT", "NO", None)


def known(request: Request | None = None, part: str = "") -> KnownModels:
    """Return the models that can be named in a launch, the one to take first.

    What runs comes first, the user's own before what is shared, then what is on disk, then what
    would be downloaded; within each FITS, TIGHT, NO, then the name.

    Parameters
    ----------
    request : Request, optional
        For what they are judged: its users, context, GPUs. Its model is not looked at.
    part : str
        Pieces of a name, divided by blanks: all of them have to occur, in any order and case.

    Raises
    ------
    GpuUnavailable, BadUsage
        If the request can't be met by this machine, whatever the model.
    """
    asked = replace(request or Request(), model="", recipe=None, new=False, name=None)
    on_disk = [one for one in models_on_disk() if one.kind == "model" and one.state == "complete"]
    here = {one.model.casefold() for one in on_disk}
    views = finding.servers()
    rows = {row.model: row for row in (*_of_catalogue(asked, here), *_of_disk(asked, on_disk))}
    for view in _live(views):
        rows[view.record.plan.model] = _serving(rows.get(view.record.plan.model), view)
    listed = sorted(rows.values(), key=_order)
    return KnownModels(
        models=tuple(row for row in listed if matches(row.model, part)),
        suggested=suggested(listed, views),
        offline=config.offline(),
    )


def matches(name: str, part: str) -> bool:
    """Return whether all pieces of `part` occur in a name.

    Examples
    --------
    >>> matches("Qwen/Qwen2.5-32B-Instruct", "32b qwen")
    True
    >>> matches("Qwen/Qwen3-8B", "qwen 32")
    False
    """
    return all(piece in name.casefold() for piece in part.casefold().split())


def suggested(models: Sequence[KnownModel], views: Iterable[ServerView]) -> str:
    """Return the model that a form opens with.

    The one that was launched last, else the first on disk that fits, else the one that a launch
    starts which names none, and the demo where that is for the user to say.
    """
    names = {one.model for one in models}
    mine = [view.record for view in views if not view.shared_by]
    last = max(mine, key=lambda record: record.created_at, default=None)
    if last is not None and last.plan.model in names:
        return last.plan.model
    here = (one.model for one in models if one.on_disk and one.verdict == "FITS")
    found = next((name for name in here if name != DEMO), None)
    if found is not None:
        return found
    try:
        return default_model()
    except AimError:
        return DEMO


def _of_catalogue(asked: Request, here: set[str]) -> Iterator[KnownModel]:
    request, planner = meant(asked)
    for choice in planner.best_of_each(request):
        repo = choice.recipe.weights.repo
        yield _judged(
            choice.recipe.model,
            choice,
            on_disk=resolving.comes_with_package(repo) or repo.casefold() in here,
        )


def _of_disk(asked: Request, on_disk: Iterable[CachedModel]) -> Iterator[KnownModel]:
    """Yield what is on disk under names of its own: judged by its own config alone."""
    request, planner = meant(asked)
    for one in on_disk:
        bare = KnownModel(model=one.model, standing="on disk", on_disk=True)
        if one.path is None or not has_config(Path(one.path)):
            yield replace(bare, weights_bytes=one.size_bytes)
            continue
        try:
            choices = planner.choices(replace(request, model=one.model))
        except AimError as error:
            yield replace(bare, weights_bytes=one.size_bytes, verdict="NO", reason=error.found)
            continue
        wanted = one.model.casefold()
        mine = (each for each in choices if each.recipe.weights.repo.casefold() == wanted)
        first = next(mine, None)
        if first is not None:
            yield _judged(one.model, first, on_disk=True)


def _judged(name: str, choice: Choice, *, on_disk: bool) -> KnownModel:
    recipe, each = choice.recipe, choice.weights_bytes
    cpu = recipe.gpu_model == "cpu"
    return KnownModel(
        model=name,
        standing="on disk" if on_disk else "to download",
        on_disk=on_disk,
        verdict=choice.verdict,
        reason=choice.reason,
        recipe=recipe.id,
        precision=recipe.precision,
        gpus_needed=None if cpu else max(recipe.tp, len(choice.gpus)),
        weights_bytes=None if each is None else each * recipe.tp,
        users_fit=choice.users_fit,
        does=choice.does,
    )


def _live(views: Iterable[ServerView]) -> list[ServerView]:
    """Return the live servers, so that of two of one model the last one counts: one's own."""
    live = [view for view in views if view.record.state in ("starting", "running")]
    return sorted(live, key=lambda view: (not view.shared_by, -view.record.created_at))


def _serving(row: KnownModel | None, view: ServerView) -> KnownModel:
    """Return the row of a model that a server has, with what that server says of itself."""
    record, plan = view.record, view.record.plan
    row = row or KnownModel(model=plan.model, standing="running")
    per_gpu = record.facts.get("weights_gib")
    found = None if per_gpu is None else round(per_gpu * GIB) * max(1, len(plan.gpus))
    same = row.recipe == plan.recipe_id
    return replace(
        row,
        standing="running",
        recipe=plan.recipe_id,
        precision=row.precision if same else None,
        gpus_needed=len(plan.gpus) or None,
        weights_bytes=found or (row.weights_bytes if same else None),
        users_fit=record.facts.get("users"),
        does=record.does or row.does,
        verdict=None,
        reason="",
        server=record.name,
        state=record.state,
        shared_by=view.shared_by,
        gpus=plan.gpus,
    )


def _order(row: KnownModel) -> tuple[int, bool, int, str]:
    place = _STANDINGS.index(row.standing)
    return place, bool(row.shared_by), _VERDICTS.index(row.verdict), row.model.casefold()
