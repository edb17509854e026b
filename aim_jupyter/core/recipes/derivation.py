"""Recipes by rule, where nobody has written one.

For a GPU that a model has no stated recipe for, those of the GPU whose class it shares are taken
over; whatever is left of precisions and sizes gets the settings of ``rules.toml``. All of them
say ``derived``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import structs

from aim_jupyter.core.checkpoint import mistral
from aim_jupyter.core.checkpoint.outline import Outline, outline
from aim_jupyter.core.devices import kinds
from aim_jupyter.core.recipes import parsers, rules
from aim_jupyter.core.recipes.files.expansion import recipe_id
from aim_jupyter.core.recipes.rules import Case
from aim_jupyter.core.records import Model, Recipe, Weights

SIZES = (1, 2, 4, 8)
ODD_SIZES = (3, 5, 6, 7)
MOST_CONTEXT = 32_768
CPU_CONTEXT = 4_096

_BY_RULE = "by rule from the architecture; measured by nobody"


def derive(name: str, config: dict[str, Any]) -> Model:
    """Return a model with derived recipes for any Hugging Face repository or local folder.

    Parameters
    ----------
    name : str
        The repository, or the path of the folder.
    config : dict
        Its ``config.json``.
    """
    numbers = outline(config)
    precision = numbers.precision or "bf16"
    told = config.get(mistral.ARGS, {})
    weights = {precision: Weights(repo=name, precision=precision, args=dict(told))}
    args = parsers.options(numbers.model_type)
    model = Model(name=name, facts=config, weights=weights, args=args)
    return complete(model, ("cpu", *kinds()))


def complete(model: Model, gpus: Iterable[str]) -> Model:
    """Return `model` with the derived recipes that it lacks for the kinds of GPU in `gpus`."""
    if not model.derive:
        return model
    recipes = model.recipes
    numbers = outline(model.facts)
    for gpu in gpus:
        for make in (_for_cpu,) if gpu == "cpu" else (_as_its_class, _by_rule):
            recipes += tuple(_new(recipes, gpu, make(model, numbers, gpu)))
    return structs.replace(model, recipes=recipes)


def _new(recipes: tuple[Recipe, ...], gpu: str, made: Iterable[Recipe]) -> Iterator[Recipe]:
    """Return those of `made` for which there is none yet that may be chosen by itself."""
    own = [one for one in recipes if one.gpu_model == gpu]
    taken = {_place(one) for one in own if not one.manual_only}
    ids = {one.id for one in own}
    for recipe in made:
        known = recipe.id in ids
        if _place(recipe) in taken or (known and recipe.manual_only):
            continue
        name = f"{recipe.id}-derived" if known else recipe.id
        yield structs.replace(recipe, id=name)


def _place(recipe: Recipe) -> tuple[str, str, int, str]:
    return (recipe.engine, recipe.weights.repo, recipe.tp, recipe.precision)


def _as_its_class(model: Model, numbers: Outline, gpu: str) -> Iterator[Recipe]:
    del numbers  # what was stated for another GPU of the class needs no rule
    other = kinds()[gpu].like
    for recipe in model.recipes:
        if recipe.gpu_model == other and recipe.profile is None:
            yield structs.replace(
                recipe,
                id=recipe.id.replace(other.lower(), gpu.lower(), 1),
                gpu_model=gpu,
                origin="derived",
                source=f"as on {other}, same class; not measured here. {recipe.source}",
            )


def _by_rule(model: Model, numbers: Outline, gpu: str) -> Iterator[Recipe]:
    if not numbers.heads:
        return
    for variant, weights in model.weights.items():
        if weights.precision not in kinds()[gpu].precisions or _is_cast(model, weights):
            continue
        for tp in (*SIZES, *ODD_SIZES):
            if numbers.divides(tp) and not _experts_left_over(numbers, weights.precision, tp):
                yield _derived(model, numbers, variant, gpu, tp)


def _is_cast(model: Model, weights: Weights) -> bool:
    """Return whether these are other weights, read in another precision than they were made in."""
    same = (one for one in model.weights.values() if one.repo == weights.repo)
    return weights.precision == "fp16" and any(one.precision == "bf16" for one in same)


def _experts_left_over(numbers: Outline, precision: str, tp: int) -> bool:
    return numbers.experts_break(tp, precision) and bool(numbers.experts % tp)


def _derived(model: Model, numbers: Outline, variant: str, gpu: str, tp: int) -> Recipe:
    weights = model.weights[variant]
    context = min(numbers.context or MOST_CONTEXT, MOST_CONTEXT)
    case = Case(outline=numbers, gpu=kinds()[gpu], precision=weights.precision, tp=tp)
    args, env = rules.apply(case)
    return Recipe(
        id=recipe_id(gpu, variant, tp),
        model=model.name,
        weights=weights,
        gpu_model=gpu,
        tp=tp,
        precision=weights.precision,
        engines="vllm>=0.19",
        args={
            # In vLLM's words, as below: reading its adapter takes longer than a verdict.
            **({"tensor-parallel-size": tp} if tp > 1 else {}),
            "max-model-len": context,
            **args,
            **model.args,
            **weights.args,
        },
        env={**env, **model.env, **weights.env},
        source=_BY_RULE,
        # Sizes that no publication has: named, and taken only when asked for.
        manual_only=tp in ODD_SIZES,
        context_tokens=context,
    )


def _for_cpu(model: Model, numbers: Outline, gpu: str) -> Iterator[Recipe]:
    for variant, weights in model.weights.items():
        if weights.precision in ("bf16", "fp16", "fp32") and not _is_cast(model, weights):
            yield _cpu(model, numbers, variant, gpu)


def _cpu(model: Model, numbers: Outline, variant: str, gpu: str) -> Recipe:
    weights = model.weights[variant]
    context = min(numbers.context or CPU_CONTEXT, CPU_CONTEXT)
    # Two full contexts, in powers of two from 64 MiB.
    kv = 1 << max(26, (2 * context * (numbers.token_bytes or 0) - 1).bit_length())
    return Recipe(
        id=recipe_id(gpu, variant, 1),
        model=model.name,
        weights=weights,
        gpu_model=gpu,
        precision=weights.precision,
        engines="vllm>=0.18",
        args={
            "enforce-eager": None,
            "kv-cache-memory-bytes": f"{kv >> 20}M",
            "max-model-len": context,
            **model.args,
            **weights.args,
        },
        env={**model.env, **weights.env},
        source="the demo's measured settings, KV cache for two full contexts",
        context_tokens=context,
    )
