"""A recipe file written out: every combination of its settings as a `Recipe`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any, NamedTuple

from aim_jupyter.core import adapters
from aim_jupyter.core.devices import kinds
from aim_jupyter.core.recipes.files.document import Document
from aim_jupyter.core.recipes.files.format import (
    PRECISIONS,
    ModelFile,
    Setting,
    Shared,
    WeightsEntry,
)
from aim_jupyter.core.records import Model, Recipe, Weights
from aim_jupyter.core.sizes import GIB


def expand(document: Document) -> Model:
    """Return the model that a recipe file describes.

    Raises
    ------
    RecipeInvalid
        If the file is not what the format says, a setting names weights that the file does not
        have, or two settings have the same id.
    """
    file = document.convert(ModelFile)
    weights = {name: _weights(document, file, name) for name in file.weights}
    recipes: dict[str, Recipe] = {}
    for place in range(len(file.settings)):
        for recipe in _combinations(document, file, weights, place):
            if recipe.id in recipes:
                where = ("settings", place)
                raise document.invalid(where, "another combination or 'name'", f"{recipe.id} twice")
            recipes[recipe.id] = recipe
    return Model(
        name=file.model,
        summary=file.summary,
        licence=file.licence,
        gated=file.gated,
        aliases=tuple(file.aliases),
        facts=file.facts,
        weights=weights,
        args=file.args,
        env=_text(file.env),
        derive=file.derive,
        does=tuple(file.does),
        recipes=tuple(recipes.values()),
        file=str(document.path),
    )


def recipe_id(gpu: str, weights: str, tp: int, *endings: str | None) -> str:
    """Return the id of a recipe: unique within its model.

    Examples
    --------
    >>> recipe_id("MI300X", "fp8", 2, "latency", None)
    'mi300x-fp8-tp2-latency'
    """
    return "-".join([gpu.lower(), weights, f"tp{tp}", *filter(None, endings)])


def parallel(engine: str, tp: int) -> dict[str, int]:
    """Return the argument that spreads one copy over `tp` GPUs, none for a single one.

    Examples
    --------
    >>> parallel("vllm", 4)
    {'tensor-parallel-size': 4}
    """
    if tp == 1:
        return {}
    return {adapters.of(engine).option("tensor_parallel"): tp}


class _Combination(NamedTuple):
    gpu: str
    weights: str
    tp: int
    metric: str | None


def _combinations(
    document: Document, file: ModelFile, weights: dict[str, Weights], place: int
) -> Iterator[Recipe]:
    setting = file.settings[place]
    gpus = ("cpu", *kinds())
    for field, known in (("gpu", gpus), ("weights", weights), ("use", file.shared)):
        for name in _listed(getattr(setting, field) or []):
            if name not in known:
                wanted = f"one of {', '.join(known)}" if known else f"no {field!r}: there is none"
                raise document.invalid(("settings", place, field), wanted, name)
    axes = map(_listed, (setting.gpu, setting.weights, setting.tp, setting.metric))
    for axis in itertools.product(*axes):
        combination = _Combination(*axis)
        yield _recipe(file, setting, combination, weights[combination.weights])


def _recipe(
    file: ModelFile, setting: Setting, combination: _Combination, weights: Weights
) -> Recipe:
    gpu, variant, tp, metric = combination
    engine = setting.engine if setting.engine != "vllm" else None
    args, env = _merged(file, setting, weights)
    return Recipe(
        id=recipe_id(gpu, variant, tp, metric, engine, setting.name),
        model=file.model,
        weights=weights,
        gpu_model=gpu,
        tp=tp,
        precision=weights.precision,
        metric=metric or "any",
        engine=setting.engine,
        engines=setting.engines or (file.engines if setting.engine in file.engines else ""),
        args={**parallel(setting.engine, tp), **args},
        env=env,
        origin=setting.origin or file.origin,
        source=setting.source or file.source,
        manual_only=setting.manual_only,
        context_tokens=setting.context,
        memory_bytes=round(setting.memory_gib * GIB) if setting.memory_gib else None,
    )


def _merged(
    file: ModelFile, setting: Setting, weights: Weights
) -> tuple[dict[str, Any], dict[str, str]]:
    """Return arguments and environment: of the file, the weights, what is used, the setting."""
    parts: list[ModelFile | Weights | Shared | Setting] = []
    if setting.engine == "vllm":
        parts += [file, weights]
    parts += [*(file.shared[name] for name in _listed(setting.use or [])), setting]
    args: dict[str, Any] = {}
    env: dict[str, str] = {}
    for part in parts:
        args |= part.args
        env |= _text(part.env)
    return args, env


def _weights(document: Document, file: ModelFile, variant: str) -> Weights:
    entry = file.weights[variant]
    if isinstance(entry, str):
        entry = WeightsEntry(repo=entry)
    precision = entry.precision or variant
    if precision not in PRECISIONS:
        where, wanted = ("weights", variant), f"a 'precision', one of {', '.join(PRECISIONS)}"
        raise document.invalid(where, wanted, "none")
    return Weights(
        repo=entry.repo,
        precision=precision,
        quantization=entry.quantization,
        revision=entry.revision,
        download_bytes=round(entry.download_gib * GIB) if entry.download_gib else None,
        args=entry.args,
        env=_text(entry.env),
    )


def _text(env: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in env.items()}


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
