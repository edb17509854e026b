"""A user's own recipe file: started from the recipe that was chosen, checked like ours."""

from __future__ import annotations

from pathlib import Path, PurePath
from typing import Any

from aim_jupyter.core import adapters
from aim_jupyter.core.recipes.arguments import permitted
from aim_jupyter.core.recipes.files.document import Document
from aim_jupyter.core.recipes.files.reading import read
from aim_jupyter.core.records import Model, Recipe
from aim_jupyter.core.sizes import GIB

_HEAD = """\
# A recipe of your own. Settings here come before those that ship with aim_jupyter.
# Keep it as <folder>/{name}.yaml and name <folder> in AIM_RECIPES_PATH.
# A value of null is a bare switch. Lists of gpu, weights and tp stand for every combination.

"""


def new(model: Model, recipe: Recipe) -> str:
    """Return the text of a recipe file that says what `recipe` does, ready to be changed."""
    variant = recipe.precision
    setting: dict[str, Any] = {
        "gpu": recipe.gpu_model,
        "weights": variant,
        "tp": recipe.tp,
        "name": "mine",
        "source": f"started from {recipe.id} ({recipe.origin})",
    }
    if recipe.metric != "any":
        setting["metric"] = recipe.metric
    if recipe.engine != "vllm":
        setting["engine"] = recipe.engine
    if recipe.context_tokens:
        setting["context"] = recipe.context_tokens
    if recipe.memory_bytes:
        setting["memory_gib"] = round(recipe.memory_bytes / GIB, 2)
    setting |= {"args": _own(recipe), "env": dict(recipe.env)}
    file = {
        "model": model.name,
        "licence": model.licence,
        "gated": model.gated,
        "facts": model.facts,
        "weights": {variant: _weights(recipe)},
        "derive": False,
        "settings": [{key: value for key, value in setting.items() if value not in ({}, None)}],
    }
    kept = {key: value for key, value in file.items() if value not in ({}, None, "")}
    return _HEAD.format(name=model.name) + _yaml(kept)


def check(path: Path) -> Model:
    """Return what a recipe file holds, whichever of the formats it has.

    Raises
    ------
    RecipeInvalid
        Naming file, line, what was expected and what was found.
    """
    document = Document.open(path)
    found = read(document, PurePath(*path.absolute().parts[1:]))
    for recipe in found.recipes if isinstance(found, Model) else ():
        if not adapters.is_known(recipe.engine):
            names = ", ".join(adapter.name for adapter in adapters.known())
            raise document.invalid(
                ("settings",), f"an engine that is known: {names}", recipe.engine
            )
    if isinstance(found, Recipe):
        found = Model(name=found.model or "any model", recipes=(found,), file=str(path))
    model = found or Model(name=path.stem, file=str(path))
    for wrong in permitted.of_model(model):
        if not wrong.asks:
            raise document.invalid(
                _place(document.data, wrong.given),
                "what a recipe may set",
                f"{wrong.said}: {wrong.why}",
            )
    return model


def _place(data: Any, key: str) -> tuple[str | int, ...]:
    """Return where a key stands in nested data, the first of its name; empty where it does not."""
    inside = (
        data.items()
        if isinstance(data, dict)
        else enumerate(data if isinstance(data, list) else ())
    )
    for name, value in inside:
        if name == key:
            return (name,)
        found = _place(value, key)
        if found:
            return (name, *found)
    return ()


def _own(recipe: Recipe) -> dict[str, Any]:
    """Return the arguments without what `tp` says already."""
    said = ("tensor-parallel-size", "tp-size")
    return {name: value for name, value in recipe.args.items() if name not in said}


def _weights(recipe: Recipe) -> str | dict[str, Any]:
    weights = recipe.weights
    entry = {
        "repo": weights.repo,
        "quantization": weights.quantization,
        "revision": weights.revision,
        "download_gib": round(weights.download_bytes / GIB, 2) if weights.download_bytes else None,
    }
    kept = {key: value for key, value in entry.items() if value}
    return kept if len(kept) > 1 else weights.repo


def _yaml(data: Any) -> str:
    import yaml  # noqa: PLC0415 -- 20 ms that nothing else here needs

    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)
