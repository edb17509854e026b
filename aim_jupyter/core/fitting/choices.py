"""The verdict on a recipe that was placed on its GPUs, in the terms of a `Choice`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from aim_jupyter.core import fit, recipes
from aim_jupyter.core.fitting.devices import device_of
from aim_jupyter.core.fitting.history import learned
from aim_jupyter.core.fitting.lines import Asking, offers
from aim_jupyter.core.fitting.models import architecture_of, name_of
from aim_jupyter.core.fitting.settings import named, settings_of
from aim_jupyter.core.records import Choice, Gpu, Machine, Model, Recipe
from aim_jupyter.core.records.fit import Fit, Settings, Start

_ROUGH = "; rough estimate"
_MOST = 50  # characters of a reason


def judge(
    model: Model,
    machine: Machine,
    *,
    options: Mapping[str, Any] | None = None,
    engine_version: str | None = None,
    starts: tuple[Start, ...] | None = None,
    with_offers: bool = True,
) -> recipes.Fit:
    """Return what gives each recipe of `model` its memory verdict, for `recipes.rank`.

    What the fit can't tell keeps the verdict that it came with, and says that it is rough.

    Parameters
    ----------
    options : mapping, optional
        The user's own engine options; they beat the recipe's.
    engine_version : str or None
        Of the engine that will serve; None is the newest known.
    starts : tuple of Start, optional
        To learn from, else those of this site.
    with_offers : bool
        Whether a verdict that is not FITS comes with launches that would fit, each of them checked.
    """
    known = learned() if starts is None else starts
    wishes = named(options or {})

    def judged(
        choice: Choice, gpus: tuple[Gpu, ...], users: int | None, context: int | None
    ) -> Choice:
        def question(recipe: Recipe) -> fit.Request:
            base = Settings(tp=recipe.tp, users=users or 1, engine_version=engine_version)
            args = {**named(recipe.args), **({"max-model-len": context} if context else {})}
            settings = settings_of({**args, **wishes}, base)
            return fit.Request(
                model=name_of(model, recipe.weights),
                architecture=architecture_of(model, recipe.weights),
                device=device_of(gpus, _alike(machine, gpus)),
                settings=structs.replace(
                    settings, max_model_len=settings.max_model_len or recipe.context_tokens
                ),
                starts=known,
                revision=recipe.weights.revision,
            )

        here = with_offers and bool(gpus) and gpus[0] in machine.gpus
        request = question(choice.recipe)
        found = fit.verdict(request) if here else fit.assess(request)
        if found.verdict == "unknown":
            return _rough(choice)
        asking = Asking(model=model, machine=machine, users=users, context=context, options=wishes)
        near = offers(found, choice.recipe, asking, question) if here else ()
        return structs.replace(choice, **terms(found), users=users or 1, offers=near)

    return judged


def terms(found: Fit) -> dict[str, Any]:
    """Return the fields of a `Choice` that a verdict fills: per GPU, in bytes.

    What weights may grow by while they load is in the overhead's band, so that weights, KV cache,
    overhead and what is kept free make up the total.
    """
    facts: dict[str, Any] = {
        "verdict": found.verdict,
        "reason": found.reason[:_MOST],
        "context_tokens": found.settings.max_model_len,
        "kv_dtype": found.settings.kv_dtype,
        "total_bytes": found.device.total_bytes if found.device else None,
    }
    if found.weights is None or found.overhead is None or found.available is None:
        return facts
    weights, grown = found.weights.low, found.weights.width
    facts |= {
        "weights_bytes": int(weights),
        "overhead_bytes": int(found.overhead.middle + grown / 2),
        "overhead_low_bytes": int(found.overhead.low),
        "overhead_high_bytes": int(found.overhead.high + grown),
        "kv_need_bytes": int(found.need.high) if found.need else None,
        "users_fit": found.concurrency.low if found.concurrency else None,
    }
    # A sum that has no room for any KV cache is no picture: its parts are beyond the total.
    if found.available.middle > 0:
        facts["kv_bytes"] = int(found.available.middle)
    return facts


def _rough(choice: Choice) -> Choice:
    return structs.replace(choice, reason=choice.reason[: _MOST - len(_ROUGH)] + _ROUGH)


def _alike(machine: Machine, gpus: tuple[Gpu, ...]) -> int:
    """Return how many free GPUs there are of the same kind."""
    kind = gpus[0].model if gpus else None
    return sum(gpu.model == kind and gpu.state in (None, "free") for gpu in machine.gpus)
