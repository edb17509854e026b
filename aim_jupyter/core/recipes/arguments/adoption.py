"""Recipes of one engine for another that has none of its own for the same weights and devices.

Mostly only the engine changes here; what its options are called there is found when a recipe is
reconciled with the parser of the engine that will serve (`arguments`). Two things depend on more
than a name: the size of a KV cache, which another engine may want in tokens, and the share of the
memory, which no two engines mean alike: each has the default that it was tuned with.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import structs

from aim_jupyter.core import adapters
from aim_jupyter.core.adapters import Adapter
from aim_jupyter.core.checkpoint.outline import outline
from aim_jupyter.core.recipes.arguments.options import whole
from aim_jupyter.core.records import Model, Recipe

#: The engine that recipes are written for which say no other.
WRITTEN_FOR = "vllm"
_KV_BYTES = "kv-cache-memory-bytes"


def adopt(model: Model, engine: str) -> Model:
    """Return a model with recipes for `engine` as well, made of those for `WRITTEN_FOR`."""
    if engine == WRITTEN_FOR:
        return model
    return structs.replace(model, recipes=(*model.recipes, *_adopted(model, engine)))


def in_bytes(recipe: Recipe, model: Model) -> dict[str, Any]:
    """Return how `WRITTEN_FOR` says the size of the KV cache that a recipe has in tokens."""
    setting = adapters.of(recipe.engine).setting("kv_tokens")
    tokens = whole(recipe.args.get(setting.option)) if setting else None
    if not tokens:  # nearly always: reading the architecture is what takes time
        return {}
    each = outline(model.facts).token_bytes
    return {_KV_BYTES: tokens * each // recipe.tp} if each else {}


def _adopted(model: Model, engine: str) -> Iterator[Recipe]:
    own = {_place(recipe) for recipe in model.recipes if recipe.engine == engine}
    for recipe in model.recipes:
        if recipe.engine == WRITTEN_FOR and _place(recipe) not in own:
            yield structs.replace(
                recipe,
                id=f"{recipe.id}-{engine}",
                engine=engine,
                engines="",
                args=_args(recipe, model, adapters.of(engine)),
                origin="derived",
                source=f"{recipe.id}, which is for {WRITTEN_FOR}",
            )


def _args(recipe: Recipe, model: Model, adapter: Adapter) -> dict[str, Any]:
    share = adapters.get(WRITTEN_FOR).option("memory_share")
    args = {name: value for name, value in recipe.args.items() if name != share}
    size, each = whole(args.get(_KV_BYTES)), outline(model.facts).token_bytes
    setting = adapter.setting("kv_tokens")
    if setting and size and each:
        del args[_KV_BYTES]
        args[setting.option] = size * recipe.tp // each
    return args


def _place(recipe: Recipe) -> tuple[str, str, int]:
    return (recipe.gpu_model, recipe.weights.repo, recipe.tp)
