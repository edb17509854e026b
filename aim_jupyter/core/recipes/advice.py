"""What would have to change: ready commands that do work, each tried before it is offered."""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import structs

from aim_jupyter.core.recipes.asked import Asked
from aim_jupyter.core.recipes.hardware import kinds
from aim_jupyter.core.recipes.placement import imagined, kinds_of
from aim_jupyter.core.recipes.ranking import Fit, judge_all
from aim_jupyter.core.records import Choice, Machine, Model
from aim_jupyter.core.records.recipe import Offer

MOST = 5
_SIZES = (1, 2, 4, 8)
_LEAST_CONTEXT = 2048


def offers(
    model: Model, machine: Machine, asked: Asked, choice: Choice, fit: Fit | None = None
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


def _all(
    model: Model, machine: Machine, asked: Asked, choice: Choice, fit: Fit | None
) -> Iterator[Offer]:
    yield from _less(model, machine, asked, choice, fit)
    here = list(_other_recipe(model, machine, asked, fit))
    yield from here
    if not here:
        yield from _other_machine(model, machine, asked, fit)


def _less(
    model: Model, machine: Machine, asked: Asked, choice: Choice, fit: Fit | None
) -> Iterator[Offer]:
    """Offer the same recipe for less: half the context as often as needed, or half the users."""
    same = structs.replace(asked, recipe=choice.recipe.id)
    for field in ("context", "users"):
        value, least = getattr(asked, field), _LEAST_CONTEXT if field == "context" else 1
        while value and value // 2 >= least:
            value //= 2
            first = judge_all(model, machine, structs.replace(same, **{field: value}), fit)[0]
            if first.verdict == "FITS":
                rest = {"context": asked.context, "users": asked.users} | {field: value}
                yield _launch(model, first, f"--{field} {value}", rest, field)
                break


def _other_recipe(model: Model, machine: Machine, asked: Asked, fit: Fit | None) -> Iterator[Offer]:
    """Offer what fits here when precision, engine and number of GPUs are left open."""
    free = Asked(gpus=asked.gpus, users=asked.users, context=asked.context, metric=asked.metric)
    for choice in judge_all(model, machine, free, fit):
        if choice.verdict != "FITS":
            return
        rest = {"users": asked.users, "context": asked.context}
        yield _launch(model, choice, f"--recipe {choice.recipe.id}", rest)


def _other_machine(
    model: Model, machine: Machine, asked: Asked, fit: Fit | None
) -> Iterator[Offer]:
    """Offer the smallest machine of each kind that runs the model, the machine's own kind first."""
    wishes = structs.replace(asked, gpus=None, recipe=None, most_gpus=None)
    own = kinds_of(machine)
    smallest = []
    for kind in sorted(kinds(), key=lambda name: (name not in own, name)):
        for count in _SIZES:
            there = imagined(kind, count)
            first = next(iter(judge_all(model, there, wishes, fit)), None)
            if first and first.verdict == "FITS" and not first.recipe.manual_only:
                smallest.append((kind not in own, count, there.host, first))
                break
    for _, _, host, first in sorted(smallest, key=lambda one: one[:3]):
        change = f"--machine {host}"
        line = f"%aim plan {model.name} {change}"
        reason = f"{first.recipe.id}: {first.reason}"
        yield Offer(line=line, change=change, verdict="FITS", reason=reason)


def _launch(
    model: Model, choice: Choice, change: str, rest: dict[str, int | None], replaced: str = ""
) -> Offer:
    kept = [f"--{name} {value}" for name, value in rest.items() if value and name != replaced]
    recipe = [] if change.startswith("--recipe") else [f"--recipe {choice.recipe.id}"]
    line = " ".join(["%aim launch", model.name, *recipe, *kept, change])
    return Offer(line=line, change=change, verdict=choice.verdict, reason=choice.reason)
