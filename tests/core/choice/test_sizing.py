"""On how many GPUs a recipe runs, and the recipes for a number asked for."""

from __future__ import annotations

from msgspec.structs import replace

from aim_jupyter.core.choice.sizing import sized
from aim_jupyter.core.recipes import Catalogue
from aim_jupyter.core.records import Recipe
from aim_jupyter.core.request.record import Request
from tests.core.planning.test_plan import RECIPE

TP = {"tensor-parallel-size": "2"}


def recipe(name: str, tp: int, **facts: object) -> Recipe:
    return replace(RECIPE, id=name, gpu_model="MI300X", tp=tp, **facts)


def test_without_a_number_the_recipes_are_as_they_are(shipped: Catalogue) -> None:
    model = shipped.find("Qwen/Qwen3-32B")
    assert model is not None
    assert sized(model.recipes, Request(model="m"), "vllm") == model.recipes


def test_a_size_that_is_missing_is_made_of_the_nearest() -> None:
    found = sized(
        [recipe("mi300x-bf16-tp1", 1), recipe("mi300x-bf16-tp8", 8)],
        Request(model="m", options=TP),
        "vllm",
    )
    made = [one for one in found if one.tp == 2]
    assert [one.id for one in made] == ["mi300x-bf16-tp2"]
    assert made[0].args["tensor-parallel-size"] == 2
    assert made[0].origin == "derived"
    assert "mi300x-bf16-tp1 on 2 GPUs" in made[0].source


def test_one_that_is_there_is_taken_as_it_is() -> None:
    two = recipe("mi300x-bf16-tp2", 2)
    assert sized([two], Request(model="m", options=TP), "vllm") == (two,)


def test_a_recipe_that_is_named_is_the_one_that_changes() -> None:
    one, other = recipe("mi300x-bf16-tp1", 1), recipe("mi300x-bf16-tp4", 4)
    asked = Request(model="m", recipe="mi300x-bf16-tp4", options=TP)
    assert [each.tp for each in sized([one, other], asked, "vllm")] == [1, 2]
