"""Calls of tools are found in the answers of every family that writes them in one way."""

from __future__ import annotations

import pytest

from aim_jupyter.core import recipes
from aim_jupyter.core.checkpoint.abilities import abilities
from aim_jupyter.core.checkpoint.outline import outline
from aim_jupyter.core.devices import kinds
from aim_jupyter.core.recipes import catalogue, parsers
from aim_jupyter.core.records import Model


def whole(model: Model) -> Model:
    """Return a model with its derived recipes."""
    return recipes.complete(model, ("cpu", *kinds()))


QWEN3 = catalogue().find("Qwen/Qwen3-32B").facts


def test_a_model_that_nobody_has_written_a_recipe_for_takes_tools() -> None:
    made = recipes.derive("org/tuned", dict(QWEN3))
    assert made.recipes
    for recipe in made.recipes:
        assert recipe.args["tool-call-parser"] == "hermes"
        assert recipe.args["enable-auto-tool-choice"] is None
        assert "reasoning-parser" not in recipe.args


@pytest.mark.parametrize("model_type", ["bert", "", "mistral", "whisper"])
def test_who_writes_none_or_in_several_ways_gets_none(model_type: str) -> None:
    assert parsers.options(model_type) == {}


def test_what_a_recipe_of_the_catalogue_says_is_what_its_family_gets() -> None:
    told = {}
    for model in catalogue().models:
        family = parsers.options(outline(model.facts).model_type).get("tool-call-parser")
        said = {one.args.get("tool-call-parser") for one in whole(model).recipes} - {None}
        if family and said - {family}:
            told[model.name] = (family, said)
    # Coders write in XML, later GLMs in another way, SmolLM2 is a llama that learned hermes' words.
    assert set(told) <= {
        "Qwen/Qwen3-Coder-480B-A35B-Instruct",
        "zai-org/GLM-4.7",
        "deepseek-ai/DeepSeek-V3.2-Exp",
        *(f"HuggingFaceTB/SmolLM2-{size}-Instruct" for size in ("135M", "360M", "1.7B")),
    }


def test_every_chat_model_of_the_large_families_takes_tools() -> None:
    lacking = {
        model.name
        for model in catalogue().models
        if model.name.startswith(("Qwen/Qwen3", "meta-llama/", "openai/", "zai-org/"))
        and "chat" in abilities(model.facts, model.args, model.does)
        for recipe in whole(model).recipes
        if recipe.engine == "vllm" and "tool-call-parser" not in recipe.args
    }
    assert lacking == set()
