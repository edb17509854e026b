"""What answers every question about a launch, on a machine that is not there."""

from __future__ import annotations

import pytest

from aim_jupyter.core import gpus, recipes
from aim_jupyter.core.api.planner import Planner
from aim_jupyter.core.errors import AimError, GpuUnavailable
from aim_jupyter.core.recipes.arguments.said import said
from aim_jupyter.core.request.record import Request

QWEN = "Qwen/Qwen3-32B"


@pytest.fixture
def eight() -> Planner:
    return Planner(gpus.machine("mi300x:8"))


def test_what_is_planned_is_what_comes_first(eight: Planner) -> None:
    choice, plan = eight.plan(Request(model=QWEN))
    assert choice.recipe.id == eight.choices(Request(model=QWEN))[0].recipe.id == plan.recipe_id
    assert choice.verdict == "FITS"
    assert plan.gpus == choice.gpus


def test_a_machine_that_changes_gets_another_answer(eight: Planner) -> None:
    laptop = eight.on(gpus.machine("none"))
    assert laptop.machine.gpus == ()
    assert laptop.choices(Request(model=QWEN))[0].recipe.gpu_model == "cpu"
    assert eight.choices(Request(model=QWEN))[0].recipe.gpu_model == "MI300X"


def test_of_each_model_there_is_one(eight: Planner) -> None:
    best = eight.best_of_each(Request(model=""))
    assert len({choice.recipe.model for choice in best}) == len(best)
    assert QWEN in {choice.recipe.model for choice in best}


@pytest.mark.parametrize("kind", ["MI300X", "MI355X"])
def test_a_plan_has_every_option_and_variable_of_its_recipe(kind: str) -> None:
    """The list of what a recipe may set refuses whole recipes; it takes nothing out of one."""
    planner = Planner(gpus.machine(f"{kind.lower()}:8"))
    checked = 0
    for model in recipes.catalogue().models:
        for choice in planner.choices(Request(model=model.name)):
            recipe = choice.recipe
            if recipe.origin == "derived" or recipe.gpu_model != kind:
                continue
            code = {name: None for name in recipe.args if name == "trust-remote-code"}
            request = Request(model=model.name, recipe=recipe.id, force=True, options=code)
            _, plan = planner.plan(request)
            changed = " ".join(plan.changes)
            given = dict(said(plan.argv))
            names = {name.partition(".")[0] for name in given}
            # A switch that a recipe has off is not said.
            on = {name: value for name, value in recipe.args.items() if value is not False}
            for name, value in on.items():
                assert name in names or name in changed, (recipe.id, name)
                if given.get(name):
                    assert given[name] == str(value), (recipe.id, name)
            assert recipe.env.items() <= plan.env.items(), recipe.id
            checked += 1
    assert checked > 100


def test_gpus_that_there_are_not_are_refused(eight: Planner) -> None:
    with pytest.raises(GpuUnavailable, match="9"):
        eight.plan(Request(model=QWEN, gpus=(9,)))


def test_a_model_that_nobody_knows_is_refused(eight: Planner) -> None:
    with pytest.raises(AimError, match="Qwen3-33B"):
        eight.plan(Request(model="Qwen/Qwen3-33B"))


def test_what_a_model_does_is_known_before_it_starts(eight: Planner) -> None:
    best = {choice.recipe.model: choice.does for choice in eight.best_of_each(Request(model=""))}
    assert all(best.values())
    assert best["sentence-transformers/all-MiniLM-L6-v2"] == ("embed",)
    assert "vision" in best["google/gemma-3-4b-it"]
    choice, plan = eight.plan(Request(model=QWEN))
    assert plan.does == choice.does == ("chat", "completion", "tools", "json", "thinking")
    _, mute = eight.plan(Request(model=QWEN, unset=("tool-call-parser", "reasoning-parser")))
    assert mute.does == ("chat", "completion", "json")
    _, embeds = eight.plan(Request(model=QWEN, options={"runner": "pooling"}))
    assert embeds.does == ("embed",)


@pytest.mark.parametrize(
    ("model", "does"),
    [
        ("Qwen/Qwen3-Embedding-0.6B", ("embed",)),
        ("Qwen/Qwen3-Embedding-8B", ("embed",)),
        ("intfloat/multilingual-e5-large-instruct", ("embed",)),
        ("Alibaba-NLP/gte-modernbert-base", ("embed",)),
        ("BAAI/bge-reranker-v2-m3", ("rerank", "classify")),
    ],
)
def test_what_embeds_and_ranks_is_planned_as_derived(
    eight: Planner, model: str, does: tuple[str, ...]
) -> None:
    choice, plan = eight.plan(Request(model=model))
    assert plan.does == does
    assert (plan.origin, choice.evidence) == ("derived", "unverified")
    assert plan.gpu_model == "MI300X"
