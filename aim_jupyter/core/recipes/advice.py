"""What would have to change: ready commands that do work, each tried before it is offered."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import structs

from aim_jupyter.core.recipes.asked import Asked
from aim_jupyter.core.recipes.hardware import kinds
from aim_jupyter.core.recipes.placement import imagined, kinds_of
from aim_jupyter.core.recipes.ranking import BY_HAND, Fit, best, judge_all
from aim_jupyter.core.records import Choice, Machine, Model
from aim_jupyter.core.records.recipe import Offer

MOST = 5
_SIZES = (1, 2, 4, 8)
_LEAST_CONTEXT = 2048


def offers(
    model: Model, machine: Machine, asked: Asked, choice: Choice, fit: Fit
) -> tuple[Offer, ...]:
    """Return up to five launches near a refused one, the nearest change first.

    On this machine: a shorter context or fewer users for the same recipe, then another recipe.
    Else the smallest machines that would run the model, to plan for.
    """
    found: list[Offer] = []
    for offer in _all(model, machine, asked, choice, fit):
        if offer.line not in [one.line for one in found]:
            found.append(offer)
        if len(found) == MOST:
            break
    return tuple(found)


def _all(model: Model, machine: Machine, asked: Asked, choice: Choice, fit: Fit) -> Iterator[Offer]:
    yield from _less(model, machine, asked, choice, fit)
    here = list(_other_recipe(model, machine, asked, fit))
    yield from here
    if not here:
        yield from _other_machine(model, machine, asked, fit)


def _less(
    model: Model, machine: Machine, asked: Asked, choice: Choice, fit: Fit
) -> Iterator[Offer]:
    """Offer the same recipe for less: half the context as often as needed, or half the users."""
    same = structs.replace(asked, recipe=choice.recipe.id)
    for field, least in (("context", _LEAST_CONTEXT), ("users", 1)):
        value = getattr(asked, field)
        while isinstance(value, int) and value // 2 >= least:
            value //= 2
            less = structs.replace(same, **{field: value})
            first = judge_all(model, machine, less, fit)[0]
            if first.verdict == "FITS":
                kept = structs.replace(same, **{field: None})
                yield _offer(model, machine, kept, f"--{field} {value}", first)
                break


def _other_recipe(model: Model, machine: Machine, asked: Asked, fit: Fit) -> Iterator[Offer]:
    """Offer what fits here when precision, engine and number of GPUs are left open."""
    free = Asked(gpus=asked.gpus, users=asked.users, context=asked.context, metric=asked.metric)
    for choice in judge_all(model, machine, free, fit):
        name = choice.recipe.id
        if choice.verdict == "FITS":
            yield _offer(model, machine, free, f"--recipe {name}", choice)
        elif choice.reason == BY_HAND:
            by_hand = judge_all(model, machine, structs.replace(free, recipe=name), fit)[0]
            yield _offer(model, machine, free, f"--recipe {name}", by_hand)


def _other_machine(model: Model, machine: Machine, asked: Asked, fit: Fit) -> Iterator[Offer]:
    """Offer the smallest machine of each kind that runs the model, the machine's own kind first."""
    wishes = structs.replace(asked, gpus=None, recipe=None, most_gpus=None)
    own = kinds_of(machine)
    smallest = []
    for kind in kinds():
        for count in _SIZES:
            there = imagined(kind, count)
            first = best(model, there, wishes, fit)
            if first and first.verdict == "FITS" and not first.recipe.manual_only:
                smallest.append((kind not in own, count, kind, there, first))
                break
    for *_, there, first in sorted(smallest, key=lambda one: one[:3]):
        yield _offer(model, there, wishes, "", first)


def _offer(model: Model, machine: Machine, kept: Asked, change: str, choice: Choice) -> Offer:
    """Return the command that keeps what was asked for and changes one thing."""
    there = f"--machine {machine.host.removeprefix('simulated-')}" if machine.simulated else ""
    wishes = [
        f"--{name} {value}"
        for name in ("recipe", "precision", "metric", "users", "context")
        if (value := getattr(kept, name)) and not change.startswith(f"--{name}")
    ]
    verb = "plan" if machine.simulated else "launch"
    parts = [f"%aim {verb}", model.name, *wishes, *filter(None, [change, there])]
    reason = choice.reason if change else f"{choice.recipe.id}: {choice.reason}"
    return Offer(
        line=" ".join(parts), change=change or there, verdict=choice.verdict, reason=reason
    )
