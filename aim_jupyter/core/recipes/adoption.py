"""Recipes of one engine for another that has none of its own for the same weights and devices.

Only the engine changes here; what its options are called there is found when a recipe is
reconciled with the parser of the engine that will serve (`arguments`).
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import structs

from aim_jupyter.core.records import Model, Recipe

#: The engine that recipes are written for which say no other.
WRITTEN_FOR = "vllm"


def adopt(model: Model, engine: str) -> Model:
    """Return a model with recipes for `engine` as well, made of those for `WRITTEN_FOR`."""
    if engine == WRITTEN_FOR:
        return model
    return structs.replace(model, recipes=(*model.recipes, *_adopted(model, engine)))


def _adopted(model: Model, engine: str) -> Iterator[Recipe]:
    own = {_place(recipe) for recipe in model.recipes if recipe.engine == engine}
    for recipe in model.recipes:
        if recipe.engine == WRITTEN_FOR and _place(recipe) not in own:
            yield structs.replace(
                recipe,
                id=f"{recipe.id}-{engine}",
                engine=engine,
                engines="",
                origin="derived",
                source=f"{recipe.id}, which is for {WRITTEN_FOR}",
            )


def _place(recipe: Recipe) -> tuple[str, str, int]:
    return (recipe.gpu_model, recipe.weights.repo, recipe.tp)
