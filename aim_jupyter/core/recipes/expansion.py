"""A recipe file written out: every combination of its settings as a `Recipe`."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

from aim_jupyter.core.recipes.document import Document
from aim_jupyter.core.recipes.format import PRECISIONS, ModelFile, Setting, WeightsEntry
from aim_jupyter.core.records import Model, Recipe, Weights

GIB = 1 << 30


def expand(document: Document) -> Model:
    """Return the model that a recipe file describes.

    Raises
    ------
    RecipeInvalid
        If the file is not what the format says, a setting names weights that the file does not
        have, or two settings have the same id.
    """
    file = document.convert(ModelFile)
    recipes: dict[str, Recipe] = {}
    for place, setting in enumerate(file.settings):
        for recipe in _combinations(document, file, place, setting):
            if recipe.id in recipes:
                raise document.invalid(
                    ("settings", place), "another combination or a 'name'", f"{recipe.id} again"
                )
            recipes[recipe.id] = recipe
    return Model(
        name=file.model,
        summary=file.summary,
        licence=file.licence,
        gated=file.gated,
        facts=file.facts,
        recipes=tuple(recipes.values()),
        file=str(document.path),
    )


def recipe_id(gpu: str, weights: str, tp: int, metric: str = "any", name: str | None = None) -> str:
    """Return the id of a recipe: unique within its model.

    Examples
    --------
    >>> recipe_id("MI300X", "fp8", 2)
    'mi300x-fp8-tp2'
    """
    ending = [part for part in (None if metric == "any" else metric, name) if part]
    return "-".join([gpu.lower(), weights, f"tp{tp}", *ending])


def _combinations(
    document: Document, file: ModelFile, place: int, setting: Setting
) -> Iterator[Recipe]:
    axes = (setting.gpu, setting.weights, setting.tp, setting.metric or "any")
    for gpu, variant, tp, metric in itertools.product(*map(_listed, axes)):
        if variant not in file.weights:
            raise document.invalid(
                ("settings", place, "weights"), f"one of {', '.join(file.weights)}", variant
            )
        weights = _weights(document, file, variant)
        yield Recipe(
            id=recipe_id(gpu, variant, tp, metric, setting.name),
            model=file.model,
            weights=weights,
            gpu_model=gpu,
            tp=tp,
            precision=weights.precision,
            metric=metric,
            engine=setting.engine,
            engines=setting.engines or file.engines,
            args=file.args | setting.args,
            env={name: str(value) for name, value in (file.env | setting.env).items()},
            origin=setting.origin or file.origin,
            source=setting.source or file.source,
            manual_only=setting.manual_only,
            context_tokens=setting.context,
            memory_bytes=round(setting.memory_gib * GIB) if setting.memory_gib else None,
        )


def _weights(document: Document, file: ModelFile, variant: str) -> Weights:
    entry = file.weights[variant]
    if isinstance(entry, str):
        entry = WeightsEntry(repo=entry)
    precision = entry.precision or variant
    if precision not in PRECISIONS:
        raise document.invalid(
            ("weights", variant), f"a 'precision', one of {', '.join(PRECISIONS)}", "none"
        )
    return Weights(
        repo=entry.repo,
        precision=precision,
        quantization=entry.quantization,
        revision=entry.revision,
        download_bytes=round(entry.download_gib * GIB) if entry.download_gib else None,
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
