"""Every recipe of a model with its verdict on a machine, in one order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from msgspec import structs

from aim_jupyter.core.errors import UnknownName
from aim_jupyter.core.recipes.hardware import GIB
from aim_jupyter.core.records import Choice, Cpu, Gpu, Machine, Model, Recipe

Fit = Callable[[Choice, tuple[Gpu, ...], int | None, int | None], Choice]
"""Adds the memory verdict to a placed choice: choice, its GPUs, users, context in tokens."""

_VERDICTS = {"FITS": 0, "TIGHT": 1, "NO": 2}


def rank(
    model: Model,
    machine: Machine,
    *,
    users: int | None = None,
    context: int | None = None,
    recipe: str | None = None,
    gpus: Sequence[int] | None = None,
    fit: Fit | None = None,
) -> tuple[Choice, ...]:
    """Return every recipe of `model` with verdict and reason, the one to take first.

    Raises
    ------
    UnknownName
        If the model has no recipe with the id `recipe`.
    """
    judged = [_judge(one, machine, gpus) for one in model.recipes]
    if fit is not None:
        judged = [one if one.verdict == "NO" else fit(one, (), users, context) for one in judged]
    if recipe is not None:
        _check(model, recipe)
    ordered = sorted(judged, key=lambda choice: _order(choice, recipe))
    return tuple(structs.replace(choice, rank=place) for place, choice in enumerate(ordered, 1))


def _check(model: Model, recipe: str) -> None:
    known = [one.id for one in model.recipes]
    if recipe not in known:
        raise UnknownName("recipe", recipe, known, f"%aim recipes {model.name}")


def _order(choice: Choice, asked: str | None) -> tuple[object, ...]:
    recipe = choice.recipe
    return (
        recipe.id != asked,
        _VERDICTS[choice.verdict],
        recipe.manual_only,
        recipe.tp,
        recipe.id,
    )


def _judge(recipe: Recipe, machine: Machine, gpus: Sequence[int] | None) -> Choice:
    kinds = sorted({gpu.model or "unknown GPU" for gpu in machine.gpus if _usable(gpu)})
    if recipe.gpu_model != "cpu":
        has = ", ".join(kinds) or "no usable GPU"
        return _no(recipe, f"for {recipe.gpu_model}; this machine has {has}")
    if kinds or gpus:
        return _no(recipe, f"for CPU; this machine has {', '.join(kinds)}")
    return _judge_cpu(recipe, machine.cpu)


def _judge_cpu(recipe: Recipe, cpu: Cpu) -> Choice:
    need, free = recipe.memory_bytes, cpu.memory_available_bytes
    if need is None or free is None:
        what = "need" if need is None else "free memory"
        return Choice(recipe=recipe, verdict="TIGHT", reason=f"its {what} is unknown")
    if need > free:
        reason = f"needs {need / GIB:.1f} GiB, {free / GIB:.1f} GiB are free"
        return _no(recipe, reason)
    reason = f"needs {need / GIB:.1f} of {free / GIB:.1f} GiB free"
    return Choice(recipe=recipe, verdict="FITS", reason=reason)


def _usable(gpu: Gpu) -> bool:
    return gpu.usable is not False and not gpu.integrated and gpu.state != "hidden"


def _no(recipe: Recipe, reason: str) -> Choice:
    return Choice(recipe=recipe, verdict="NO", reason=reason[:50])
