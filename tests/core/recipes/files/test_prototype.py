"""Recipes of the seed prototype, as its users have them."""

import pytest

from aim_jupyter.core.recipes import Catalogue
from tests.core.conftest import Write, box, rank

RECIPE = """\
recipe_id: m-mi300x-bf16
model_id: org/m
huggingface_id: org/m-hf
hardware: {hardware}
precision: bf16

vllm_serve:
  "1_gpu":
    enabled: false
  "2_gpu":
    enabled: true
    args:
      --model: org/m-hf
      --dtype: bfloat16
      --tensor-parallel-size: "2"
      --max-context-len: "32768"
      --trust-remote-code: "false"
      --enforce-eager: "true"
      --port: "8000"

sglang_serve:
  "2_gpu":
    enabled: true
    args:
      --model: org/m-hf
      --mem-fraction-static: "0.8"
"""


@pytest.mark.parametrize(("hardware", "gpu"), [("MI300X", "MI300X"), ("MI250", "MI250X")])
def test_enabled_blocks_become_recipes(write: Write, hardware: str, gpu: str) -> None:
    folder = write("recipes/m.yaml", RECIPE.format(hardware=hardware))
    first, second = Catalogue([folder]).find("org/m").recipes
    assert (first.id, first.gpu_model, first.tp) == ("m-mi300x-bf16-tp2", gpu, 2)
    assert (first.weights.repo, first.origin) == ("org/m-hf", "user")
    assert first.args == {
        "dtype": "bfloat16",
        "max-context-len": "32768",
        "trust-remote-code": False,
        "enforce-eager": None,
        "tensor-parallel-size": 2,
    }
    assert (second.id, second.engine) == ("m-mi300x-bf16-tp2-sglang", "sglang")
    assert second.args == {"mem-fraction-static": "0.8", "tp-size": 2}


def test_several_files_of_one_model_are_one_model(write: Write) -> None:
    write("a.yaml", RECIPE.format(hardware="MI300X"))
    folder = write("b.yaml", RECIPE.format(hardware="MI250").replace("m-mi300x", "m-mi250"))
    model = Catalogue([folder]).find("m")
    assert {one.gpu_model for one in model.recipes} == {"MI300X", "MI250X"}
    assert rank(model, box("MI300X", 2))[0].recipe.id == "m-mi300x-bf16-tp2"


def test_its_model_cards_are_known_and_hold_nothing(write: Write) -> None:
    folder = write("models/m.yaml", "model_id: org/m\naim_recipes: [{hardware: MI300X}]\n")
    found = Catalogue([folder])
    assert (found.names, found.problems) == ((), ())


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (('"2_gpu"', "two"), "expected vllm_serve.two: a key such as '4_gpu'"),
        (("precision: bf16", "precision: float8_e4m3"), "expected precision: "),
        (
            ("enabled: true", "enabled: maybe"),
            "expected vllm_serve.2_gpu.enabled: bool; found 'maybe'.",
        ),
    ],
)
def test_a_wrong_one_is_told(write: Write, wrong: tuple[str, str], said: str) -> None:
    folder = write("m.yaml", RECIPE.format(hardware="MI300X").replace(*wrong))
    (problem,) = Catalogue([folder]).problems
    assert said in problem.found
