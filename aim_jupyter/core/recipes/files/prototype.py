"""Recipes of the seed prototype: one file per model, GPU and precision, a block per GPU count."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from aim_jupyter.core.devices import kind_name
from aim_jupyter.core.recipes.files.document import Document
from aim_jupyter.core.recipes.files.expansion import parallel
from aim_jupyter.core.recipes.files.format import Precision
from aim_jupyter.core.records import Model, Recipe, Weights

#: What it writes on every command line and the plan says in its own way.
_NOT_OURS = ("model", "model-path", "host", "port", "tensor-parallel-size", "tp-size", "tp")


class Block(Struct, frozen=True, kw_only=True):
    """What one GPU count has; an engine may have any number of them."""

    enabled: bool = False
    args: dict[str, Any] = {}


class PrototypeFile(Struct, frozen=True, kw_only=True):
    """One recipe file of the prototype."""

    recipe_id: str
    model_id: str
    hardware: str
    precision: Precision
    huggingface_id: str | None = None
    vllm_serve: dict[str, Block] = {}
    sglang_serve: dict[str, Block] = {}


def is_prototype(data: Any) -> bool:
    """Return whether the content of a file is one of the prototype's recipes, good or bad."""
    return isinstance(data, dict) and bool(
        {"recipe_id", "vllm_serve", "sglang_serve"} & data.keys()
    )


def is_card(data: Any) -> bool:
    """Return whether a file is one of its model cards, which hold no setting."""
    return isinstance(data, dict) and "aim_recipes" in data


def read(document: Document) -> Model:
    """Return the model with the recipes of one file, those of disabled blocks left out.

    Raises
    ------
    RecipeInvalid
        If the file is not what the prototype writes.
    """
    file = document.convert(PrototypeFile)
    recipes = [
        *_recipes(document, file, "vllm", file.vllm_serve),
        *_recipes(document, file, "sglang", file.sglang_serve),
    ]
    return Model(name=file.model_id, recipes=tuple(recipes), file=str(document.path))


def _recipes(
    document: Document, file: PrototypeFile, engine: str, blocks: dict[str, Block]
) -> Iterator[Recipe]:
    for key, block in blocks.items():
        count = re.fullmatch(r"([1-8])_gpu", key)
        if count is None:
            raise document.invalid((f"{engine}_serve", key), "a key such as '4_gpu'", repr(key))
        if block.enabled:
            yield _recipe(file, engine, int(count[1]), block)


def _recipe(file: PrototypeFile, engine: str, tp: int, block: Block) -> Recipe:
    ending = "" if engine == "vllm" else f"-{engine}"
    return Recipe(
        id=f"{file.recipe_id}-tp{tp}{ending}",
        model=file.model_id,
        weights=Weights(repo=file.huggingface_id or file.model_id, precision=file.precision),
        gpu_model=kind_name(file.hardware) or file.hardware,
        tp=tp,
        precision=file.precision,
        engine=engine,
        args={**dict(_arguments(block.args)), **parallel(engine, tp)},
        origin="user",
        source=f"recipe {file.recipe_id} of the aim-engine prototype",
    )


def _arguments(args: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in args.items():
        plain = name.lstrip("-").replace("_", "-")
        if plain in _NOT_OURS:
            continue
        if isinstance(value, str) and value.casefold() in ("true", "false"):
            yield plain, None if value.casefold() == "true" else False
        else:
            yield plain, value
