"""Recipes that vLLM's own code takes and builds, marked as such until they are changed."""

from __future__ import annotations

import functools

import pytest
from msgspec import structs

from aim_jupyter.core import engines, gpus, recipes
from aim_jupyter.core.adapters.vllm import exact
from aim_jupyter.core.api.planner import Planner
from aim_jupyter.core.choice import built
from aim_jupyter.core.request import Request
from tests.core.choice.drivers.built import Line, asked, lines


def test_a_recipe_is_built_until_it_is_changed() -> None:
    planner = Planner(gpus.machine("mi250x:8"))
    names = recipes.catalogue().names
    every = (one for name in names for one in planner.choices(Request(model=name)))
    choice = next(one for one in every if one.evidence == "built")
    assert built.is_built(choice.recipe)
    changed = structs.replace(choice.recipe, args={**choice.recipe.args, "max-num-seqs": 7})
    assert not built.is_built(changed)
    assert not built.is_built(structs.replace(choice.recipe, engine="sglang"))


@functools.cache
def catalogue() -> tuple[Line, ...]:
    return tuple(lines(recipes.catalogue()))


@pytest.mark.engine
@pytest.mark.usefixtures("real_engine")
@pytest.mark.timeout(3000)
def test_vllms_own_code_takes_each_recipe_that_is_marked() -> None:
    """The configuration of all of them; the models are built by the driver alone."""
    assert built.table().engine == engines.choose(platform="cpu").version
    try:
        said = {id(line): asked(line, "configured") for line in catalogue()}
    finally:
        exact.close()
    refused = {f"{x.recipe.model} {x.recipe.id}": said[id(x)] for x in catalogue() if said[id(x)]}
    marked = [x for x in catalogue() if built.is_built(x.recipe) and said[id(x)]]
    assert not marked, refused
    kept = {built.mark(line.recipe) for line in catalogue()}
    assert built.table().marks <= kept, "marks of recipes that are gone: run the driver"
