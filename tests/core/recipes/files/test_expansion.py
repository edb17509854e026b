"""A recipe file written out: every combination of its settings."""

from aim_jupyter.core.recipes import Catalogue
from tests.core.conftest import Write
from tests.core.recipes.files.test_document import GOOD, problem


def test_a_setting_stands_for_every_combination(write: Write) -> None:
    model = Catalogue([write("org/model.yaml", GOOD)]).find("model")
    ids = [recipe.id for recipe in model.recipes]
    assert len(ids) == 9
    assert {"mi325x-fp8-tp2", "mi300x-bf16-tp1", "mi300x-bf16-tp1-latency-mine"} <= set(ids)


def test_a_recipe_holds_what_file_weights_shared_and_setting_say(write: Write) -> None:
    model = Catalogue([write("org/model.yaml", GOOD)]).find("model")
    recipe = next(one for one in model.recipes if one.id == "mi325x-fp8-tp2")
    assert recipe.args == {
        "tensor-parallel-size": 2,
        "reasoning-parser": "qwen3",
        "kv-cache-dtype": "fp8",
        "max-num-seqs": 64,
        "enforce-eager": None,
    }
    assert recipe.env == {"VLLM_ROCM_USE_AITER": "1"}
    assert (recipe.weights.repo, recipe.precision, recipe.origin) == (
        "org/model-FP8",
        "fp8",
        "user",
    )


def test_two_settings_with_one_id_are_told(write: Write) -> None:
    text = GOOD.replace("  metric: latency\n  name: mine\n", "")
    assert "another combination or 'name'; found mi300x-bf16-tp1 twice." in problem(write, text)
