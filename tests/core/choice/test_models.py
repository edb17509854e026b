"""What is known of what a recipe loads."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from aim_jupyter.core.choice import models
from aim_jupyter.core.recipes import Catalogue
from aim_jupyter.core.records import Model, Weights

LLAMA = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 64,
    "intermediate_size": 128, "num_hidden_layers": 2, "num_attention_heads": 4,
    "num_key_value_heads": 2, "vocab_size": 100, "torch_dtype": "bfloat16",
}  # fmt: skip
OWN = Model(name="own/model", facts=LLAMA)
PLAIN = Weights(repo="own/model", precision="bf16")


def test_the_demo_is_filed_under_its_own_name_and_others_under_their_checkpoint(
    shipped: Catalogue,
) -> None:
    demo = shipped.find("demo")
    assert demo is not None
    weights = next(iter(demo.weights.values()))
    assert models.name_of(demo, weights) == "demo"
    assert not models.architecture_of(demo, weights).problem
    assert models.name_of(OWN, PLAIN) == "own/model"


def test_plain_weights_are_as_the_config_says() -> None:
    assert models.config_for(OWN, PLAIN) == LLAMA
    assert models.architecture_of(OWN, PLAIN).problem == ""


def test_how_others_are_stored_is_told_or_not_known() -> None:
    odd = Weights(repo="own/model-odd", precision="fp5")
    assert models.config_for(OWN, odd) is None
    assert models.architecture_of(OWN, odd).problem == "weights in fp5 are not known here"
    fp8 = models.config_for(OWN, Weights(repo="own/model-fp8", precision="fp8"))
    assert fp8 is not None
    assert "quantization_config" in fp8


@pytest.mark.parametrize("overrides", ['{"max_position_embeddings": 77}'])
def test_what_is_overridden_is_what_the_engine_loads(overrides: str) -> None:
    found = models.loaded(OWN, PLAIN, overrides)
    assert found is not None
    assert found["max_position_embeddings"] == 77
    assert "max_position_embeddings" not in (models.loaded(OWN, PLAIN) or {})
    assert models.loaded(replace(OWN, file="x.yaml"), PLAIN) == LLAMA
