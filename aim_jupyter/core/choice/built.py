"""Which recipes vLLM's own code takes and builds, on paper: the catalogue's dry start.

``built.json`` holds a mark of each; it is made by ``tests/core/choice/drivers/built.py``. A recipe
that is changed has another mark, and is unverified until it is asked again.
"""

from __future__ import annotations

import functools
import hashlib
from importlib.resources import files

import msgspec
from msgspec import Struct

from aim_jupyter.core.records import Recipe
from aim_jupyter.core.records.kinds import resolved


class _Table(Struct, frozen=True, forbid_unknown_fields=True):
    engine: str
    marks: frozenset[str]


@functools.cache
def table() -> _Table:
    """Return the marks, and the version of vLLM that was asked."""
    text = files(__package__).joinpath("built.json").read_bytes()
    return msgspec.json.decode(text, type=resolved(_Table))


def mark(recipe: Recipe) -> str:
    """Return what tells a recipe from others: all that decides how an engine is started."""
    what = (recipe.gpu_model, recipe.tp, recipe.weights.repo, recipe.args, recipe.env)
    return hashlib.sha256(msgspec.json.encode(what, order="deterministic")).hexdigest()[:10]


def is_built(recipe: Recipe) -> bool:
    """Whether vLLM's own code has taken these settings and built the model; nothing ran."""
    return recipe.engine == "vllm" and mark(recipe) in table().marks
