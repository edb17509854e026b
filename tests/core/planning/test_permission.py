"""What a recipe can't switch on, and what a user may by name."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from aim_jupyter.core import recipes
from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.planning import permission
from aim_jupyter.core.planning.policy import Policy
from aim_jupyter.core.records import Recipe
from aim_jupyter.core.request import Request
from tests.core.serving.state.test_starts import PLAN

DEMO: Recipe = recipes.catalogue().find("demo").recipes[0]


def test_a_plain_recipe_passes() -> None:
    permission.recipe(DEMO, Request(model="demo"))


@pytest.mark.parametrize("name", ["trust-remote-code", "middleware", "worker-cls"])
@pytest.mark.parametrize("spelled", ["{}", "--{}", "underscored"])
def test_code_from_a_recipe_runs_only_where_the_user_says_its_name(name: str, spelled: str) -> None:
    option = name.replace("-", "_") if spelled == "underscored" else spelled.format(name)
    recipe = replace(DEMO, args={option: None})
    with pytest.raises(BadUsage, match="runs as you") as caught:
        permission.recipe(recipe, Request(model="demo"))
    assert caught.value.hint in (f"%aim launch demo --{name}", f"%aim launch demo --unset {name}")
    permission.recipe(recipe, Request(model="demo", options={f"--{name}": None}))
    permission.recipe(recipe, Request(model="demo", unset=(name,)))


def test_a_recipe_may_switch_it_off() -> None:
    for args in ({"trust-remote-code": False}, {"no-trust-remote-code": None}):
        permission.recipe(replace(DEMO, args=args), Request(model="demo"))
    with pytest.raises(BadUsage, match="trust-remote-code"):
        permission.recipe(replace(DEMO, args={"no-trust-remote-code": "false"}), Request(model="x"))


@pytest.mark.parametrize(
    "name",
    [
        "LD_PRELOAD",
        "PYTHONPATH",
        "pythonstartup",
        "VLLM_PLUGINS",
        "VLLM_API_KEY",
        "https_proxy",
        "HF_TOKEN",
    ],
)
def test_a_variable_that_loads_code_is_the_users_alone(name: str) -> None:
    recipe = replace(DEMO, env={name: "x"})
    with pytest.raises(BadUsage, match=f"sets {name}"):
        permission.recipe(recipe, Request(model="demo"))
    permission.recipe(recipe, Request(model="demo", env={name: "y"}))
    permission.recipe(recipe, Request(model="demo", unset=(name,)))


def test_of_the_shipped_recipes_only_those_with_code_of_their_own_ask_for_it() -> None:
    for model in recipes.catalogue().models:
        for recipe in model.recipes:
            if "trust-remote-code" in recipe.args:
                assert model.name.startswith("moonshotai/Kimi")
                with pytest.raises(BadUsage, match="code of the model's repository"):
                    permission.recipe(recipe, Request(model=model.name))
            else:
                permission.recipe(recipe, Request(model=model.name))


def test_a_plan_carries_how_many_gpus_each_user_may_hold_and_asks_for_no_more() -> None:
    rules = Policy(max_gpus=2)
    assert permission.plan(Policy(), replace(PLAN, gpus=(0, 1, 2))).most_held is None
    assert permission.plan(rules, replace(PLAN, gpus=(0, 1))).most_held == 2
    with pytest.raises(BadUsage, match="allows 2 of its GPUs at a time") as caught:
        permission.plan(rules, replace(PLAN, gpus=(0, 1, 2)))
    assert caught.value.hint == "--most-gpus 2"
    # Those of a site are its own to give.
    assert permission.plan(rules, replace(PLAN, gpus=(0, 1, 2), on="slurm")).most_held is None
