"""The one question that front ends ask: which recipe of a model, on this machine."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from aim_jupyter.core.recipes.advice import offers
from aim_jupyter.core.recipes.asked import Asked, Context
from aim_jupyter.core.recipes.ranking import Fit, judge_all
from aim_jupyter.core.records import Choice, Machine, Model


def rank(
    model: Model,
    machine: Machine,
    fit: Fit,
    *,
    users: int | None = None,
    context: Context = None,
    recipe: str | None = None,
    gpus: Sequence[int] | None = None,
    most_gpus: int | None = None,
    precision: str | None = None,
    metric: str | None = None,
    engine: str = "vllm",
    engine_version: str | None = None,
) -> tuple[Choice, ...]:
    """Return every recipe of `model` with verdict and reason, the one to take first.

    Those that somebody wrote are all there; derived ones are for the machine's own GPUs.

    Parameters
    ----------
    users : int or None
        Requests at the same time.
    context : int, "auto" or None
        Tokens of each.
    recipe : str or None
        Id of the recipe to put first.
    gpus : sequence of int or None
        HIP ordinals to choose among.
    most_gpus : int or None
        How many GPUs at most.

    Raises
    ------
    UnknownName
        If the model has no recipe with the id `recipe`.
    GpuUnavailable
        If one of `gpus` is not there.
    """
    asked = Asked(
        recipe=recipe,
        gpus=None if gpus is None else tuple(gpus),
        most_gpus=most_gpus,
        precision=precision,
        metric=metric,
        engine=engine,
        engine_version=engine_version,
        users=users,
        context=context,
    )
    ranked = judge_all(model, machine, asked, fit)
    looked_at = [*ranked[:1], *_nearest(ranked)]
    return tuple(
        _advised(model, machine, asked, choice, fit) if choice in looked_at else choice
        for choice in ranked
    )


def _nearest(ranked: Sequence[Choice]) -> Sequence[Choice]:
    """Return the first choice that memory alone refuses, or else the first tight one."""
    for verdict in ("NO", "TIGHT"):
        found = [one for one in ranked if one.verdict == verdict and one.total_bytes]
        if found:
            return found[:1]
    return ()


def _advised(model: Model, machine: Machine, asked: Asked, choice: Choice, fit: Fit) -> Choice:
    """Return a choice that does not fit with what would: by the fit, the first also elsewhere."""
    if choice.verdict == "FITS":
        return choice
    found = fit.offers(choice, asked.users, asked.context)
    if not found and choice.rank == 1:
        found = offers(model, machine, asked, choice, fit)
    return structs.replace(choice, offers=found, try_line=found[0].line if found else None)
