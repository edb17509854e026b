"""The one question that front ends ask: which recipe of a model, on this machine."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import structs

from aim_jupyter.core.recipes.advice import offers
from aim_jupyter.core.recipes.asked import Asked
from aim_jupyter.core.recipes.ranking import Fit, judge_all
from aim_jupyter.core.records import Choice, Machine, Model


def rank(
    model: Model,
    machine: Machine,
    *,
    users: int | None = None,
    context: int | None = None,
    recipe: str | None = None,
    gpus: Sequence[int] | None = None,
    most_gpus: int | None = None,
    precision: str | None = None,
    metric: str | None = None,
    engine: str = "vllm",
    engine_version: str | None = None,
    fit: Fit | None = None,
) -> tuple[Choice, ...]:
    """Return every recipe of `model` with verdict and reason, the one to take first.

    Those that somebody wrote are all there; derived ones are for the machine's own GPUs.

    Parameters
    ----------
    users, context : int or None
        Requests at the same time, and tokens of each.
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
    if not ranked or ranked[0].verdict == "FITS":
        return ranked
    return (_advised(model, machine, asked, ranked[0], fit), *ranked[1:])


def _advised(
    model: Model, machine: Machine, asked: Asked, choice: Choice, fit: Fit | None
) -> Choice:
    """Return a choice that does not fit with what would, unless the fit has said so already."""
    found = choice.offers or offers(model, machine, asked, choice, fit)
    line = choice.try_line or (found[0].line if found else None)
    return structs.replace(choice, offers=found, try_line=line)
