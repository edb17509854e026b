"""Mistral's own format, as the engine reads it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from aim_jupyter.core import recipes
from aim_jupyter.core.checkpoint import folder, mistral
from aim_jupyter.core.checkpoint.outline import outline

PARAMS = {
    "dim": 5120, "n_layers": 40, "n_heads": 32, "n_kv_heads": 8, "head_dim": 128,
    "hidden_dim": 14336, "vocab_size": 131072, "norm_eps": 1e-5, "rope_theta": 1e6,
    "max_position_embeddings": 131072,
}  # fmt: skip


def made(at: Path, tokenizer: str = "tekken.json", **more: object) -> Path:
    (at / "params.json").write_text(json.dumps({**PARAMS, **more}))
    (at / "consolidated.safetensors").touch()
    (at / tokenizer).touch()
    return at


def test_it_is_read_as_a_config_of_the_same_model(tmp_path: Path) -> None:
    config = folder.read(made(tmp_path))
    assert config["model_type"] == "mistral"
    numbers = outline(config)
    assert (numbers.heads, numbers.context, numbers.precision) == (32, 131072, "bf16")
    # 2 tensors, 40 layers, 8 heads of 128 elements, 2 bytes each.
    assert numbers.token_bytes == 2 * 40 * 8 * 128 * 2


def test_experts_and_quantization_are_seen() -> None:
    experts = {"num_experts": 8, "num_experts_per_tok": 2, "expert_hidden_dim": 14336}
    found = mistral.adapted({**PARAMS, "moe": experts})
    assert found["architectures"] == ["MixtralForCausalLM"]
    assert (found["num_local_experts"], found["intermediate_size"]) == (8, 14336)
    coded = mistral.adapted({**PARAMS, "quantization": {"qformat_weight": "fp8_e4m3"}})
    assert outline(coded).precision == "fp8"


@pytest.mark.parametrize(
    ("tokenizer", "mode"),
    [("tekken.json", "mistral"), ("tokenizer.model.v3", "mistral"), ("tokenizer.json", None)],
)
def test_the_engine_is_told_of_it(tmp_path: Path, tokenizer: str, mode: str | None) -> None:
    at = made(tmp_path, tokenizer)
    model = recipes.derive(str(at), folder.read(at))
    for recipe in model.recipes:
        assert recipe.args["config-format"] == recipe.args["load-format"] == "mistral"
        assert recipe.args.get("tokenizer-mode") == mode
    assert model.recipes


def test_a_config_of_transformers_comes_first(tmp_path: Path) -> None:
    (made(tmp_path) / "config.json").write_text('{"model_type": "llama"}')
    assert folder.read(tmp_path)["model_type"] == "llama"
    assert not folder.is_mistral(tmp_path)
