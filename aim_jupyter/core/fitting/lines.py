"""Counter-offers as complete command lines, each of which does what it says."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from msgspec import Struct, field, structs

from aim_jupyter.core import fit, recipes
from aim_jupyter.core.records import Machine, Model, Offer, Recipe, Verdict
from aim_jupyter.core.records.fit import CounterOffer, Fit

#: What a change takes the place of on a launch line.
_REPLACES = {
    "max_model_len": "max-model-len",
    "kv_dtype": "kv-cache-dtype",
    "quantization": "quantization",
    "max_num_seqs": "max-num-seqs",
    "max_num_batched_tokens": "max-num-batched-tokens",
    "util": "gpu-memory-utilization",
}


#: What the verb ``fit`` calls what a launch line calls otherwise.
_OURS = {"max_model_len": "context"}


class Asking(Struct, frozen=True, kw_only=True):
    """What was asked for, to be kept in an offer but for the one thing that changes.

    Attributes
    ----------
    machine : Machine or None
        A simulated one is planned for; everything else is launched on.
    options : mapping
        The user's engine options, without dashes.
    """

    model: Model
    machine: Machine | None = None
    users: int | None = None
    context: int | None = None
    options: Mapping[str, Any] = field(default_factory=dict)


def offers(
    found: Fit, recipe: Recipe, asking: Asking, question: Callable[[Recipe], fit.Request]
) -> tuple[Offer, ...]:
    """Return the counter-offers of a verdict as launch lines.

    More GPUs mean another recipe with settings of its own: it is asked about anew.
    """
    return tuple(_lines(found, recipe, asking, question))


def _lines(
    found: Fit, recipe: Recipe, asking: Asking, question: Callable[[Recipe], fit.Request]
) -> Iterator[Offer]:
    for offer in found.offers:
        if offer.setting != "tp":
            yield made(offer, recipe.id, asking)
            continue
        larger = sibling(asking.model, recipe, offer.value)
        if larger is None:
            continue
        then = fit.assess(question(larger))
        if _better(then, found):
            change = f"--recipe {larger.id}"
            yield Offer(
                line=line(asking, change=change),
                change=change,
                verdict=verdict_of(then),
                reason=f"{then.reason}; on {larger.tp} GPUs",
            )


def made(offer: CounterOffer, recipe: str | None, asking: Asking) -> Offer:
    """Return one offer as a launch line of `recipe`."""
    return Offer(
        line=line(asking, recipe=recipe, change=offer.option, setting=offer.setting),
        change=offer.option,
        verdict=verdict_of(offer),
        reason=offer.reason,
    )


def for_question(
    found: Fit,
    asking: Asking | None,
    recipe_for: Callable[[int], Recipe | None],
    question: Callable[[Recipe], fit.Request],
    given: Mapping[str, Any],
) -> list[Offer | None]:
    """Return each offer of a verdict as a command, None where none says it.

    A launch line where a recipe has these weights for so many GPUs, and fits with its own options;
    else the question asked anew.

    Parameters
    ----------
    asking : Asking or None
        None where no recipe can be named.
    recipe_for : callable
        From a number of GPUs to the recipe.
    given : mapping
        The question's own parameters.
    """
    launches = (_launched(offer, found, asking, recipe_for, question) for offer in found.offers)
    pairs = zip(launches, found.offers, strict=True)
    return [launch or _asked_anew(offer, given) for launch, offer in pairs]


def _launched(
    offer: CounterOffer,
    found: Fit,
    asking: Asking | None,
    recipe_for: Callable[[int], Recipe | None],
    question: Callable[[Recipe], fit.Request],
) -> Offer | None:
    larger = offer.setting == "tp"
    recipe = recipe_for(offer.value if larger else found.settings.tp) if asking else None
    if asking is None or recipe is None:
        return None
    request = question(recipe)
    then = fit.assess(request if larger else request.changed(offer.setting, offer.value))
    if not _better(then, found):
        return None
    checked = structs.replace(offer, verdict=then.verdict, reason=_reason(then, offer))
    if not larger:
        return made(checked, recipe.id, asking)
    change = f"--recipe {recipe.id}"
    launch = line(asking, change=change)
    return Offer(line=launch, change=change, verdict=verdict_of(checked), reason=checked.reason)


def _better(then: Fit, found: Fit) -> bool:
    return then.verdict == "FITS" or (then.verdict == "TIGHT" and found.verdict == "NO")


def _reason(then: Fit, offer: CounterOffer) -> str:
    """Return the new reason, and what the change means as the offer has said it."""
    return f"{then.reason};{offer.reason.rpartition(';')[2]}"


def line(asking: Asking, *, recipe: str | None = None, change: str = "", setting: str = "") -> str:
    """Return the command that keeps what was asked for and changes one thing."""
    there = asking.machine
    simulated = there is not None and there.simulated
    kept = {
        "recipe": recipe,
        "users": None if setting == "users" else asking.users,
        "context": None if setting == "max_model_len" else asking.context,
    }
    own = {name: value for name, value in asking.options.items() if name != _REPLACES.get(setting)}
    words = ["plan" if simulated else "launch", shlex.quote(asking.model.name)]
    words += [f"--{name} {value}" for name, value in kept.items() if value]
    words += [_option(name, value) for name, value in own.items()]
    words += [change] if change else []
    if there is not None and simulated:
        words.append(f"--machine {there.host.removeprefix('simulated-')}")
    return " ".join(["%aim", *words])


def _asked_anew(offer: CounterOffer, given: Mapping[str, Any]) -> Offer | None:
    """Return the question with one thing changed; None for one that a line can't hold."""
    kept = {name: value for name, value in given.items() if value is not None}
    asked = {name: value for name, value in kept.items() if name not in ("model", offer.setting)}
    if any(isinstance(value, (dict, list)) for value in asked.values()):
        return None
    change = _ours(offer.setting, offer.value)
    model = [shlex.quote(given["model"])] if given.get("model") else []
    words = ["%aim fit", *model, *(_ours(name, value) for name, value in asked.items()), change]
    return Offer(
        line=" ".join(words), change=change, verdict=verdict_of(offer), reason=offer.reason
    )


def _ours(name: str, value: Any) -> str:
    return _option(_OURS.get(name, name.replace("_", "-")), value)


def verdict_of(judged: CounterOffer | Fit) -> Verdict | None:
    """Return a verdict as offers have it, None for "unknown"."""
    return judged.verdict if judged.verdict != "unknown" else None


def sibling(model: Model, recipe: Recipe, tp: int) -> Recipe | None:
    """Return the recipe with the same weights for more GPUs of the same kind."""
    complete = recipes.complete(model, (recipe.gpu_model,))
    alike = (
        one
        for one in complete.recipes
        if one.tp == tp
        and one.gpu_model == recipe.gpu_model
        and one.weights.repo == recipe.weights.repo
        and one.precision == recipe.precision
        and one.engine == recipe.engine
        and not one.manual_only
    )
    return next(alike, None)


def _option(name: str, value: Any) -> str:
    if value is None or value is True:
        return f"--{name}"
    return f"--{name} {shlex.quote(str(value))}"
