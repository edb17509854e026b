"""What a config.json says, and that one that lies or lacks something says nothing."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core import fit
from aim_jupyter.core.checkpoint.layers import Attention, Dense, Experts, Latent, Recurrent
from aim_jupyter.testing import sums
from tests.core.fit.conftest import SMALL, small

NEEDED = ["num_hidden_layers", "hidden_size", "num_attention_heads", "intermediate_size"]
NEEDED += ["vocab_size"]

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner),
    max_leaves=12,
)
NONSENSE = st.one_of(
    st.text(max_size=12),
    st.booleans(),
    st.floats(),
    st.lists(st.integers(), max_size=3),
    st.integers(max_value=0),
    st.integers(min_value=2**25),
)
KEYS = [*SMALL, "head_dim", "layer_types", "sliding_window", "quantization_config", "text_config"]
KEYS += ["num_experts", "num_experts_per_tok", "kv_lora_rank", "rope_scaling", "vision_config"]
KEYS += ["full_attention_interval", "torch_dtype", "tie_word_embeddings", "moe_layer_freq"]


def mixers(config: dict[str, Any]) -> list[Any]:
    return [layer.mixer for layer in fit.architecture(config).layers]


def test_every_known_model_is_read() -> None:
    problems = {name: fit.architecture(fit.config_of(name)).problem for name in fit.known()}
    assert {name: problem for name, problem in problems.items() if problem} == {}


@pytest.mark.parametrize(
    ("model", "billions"),
    [
        ("meta-llama/Llama-3.1-8B-Instruct", 8.03),
        ("meta-llama/Llama-3.3-70B-Instruct", 70.55),
        ("meta-llama/Llama-3.1-405B-Instruct", 405.9),
        ("Qwen/Qwen3-30B-A3B", 30.5),
        ("Qwen/Qwen3-235B-A22B", 235.1),
        ("deepseek-ai/DeepSeek-R1", 671.0),
        ("moonshotai/Kimi-K2-Instruct", 1026.4),
        ("deepseek-ai/DeepSeek-V2-Lite-Chat", 15.7),
        ("openai/gpt-oss-20b", 20.9),
        ("openai/gpt-oss-120b", 116.8),
        ("mistralai/Mixtral-8x22B-Instruct-v0.1", 140.6),
        ("google/gemma-3-27b-it", 27.4),
        ("meta-llama/Llama-4-Scout-17B-16E-Instruct", 108.6),
        ("Qwen/Qwen3-Next-80B-A3B-Instruct", 79.67),
        ("nvidia/NVIDIA-Nemotron-Nano-9B-v2", 8.89),
        ("ai21labs/AI21-Jamba-Mini-1.7", 51.57),
    ],
)
def test_parameters_are_those_published(model: str, billions: float) -> None:
    found = fit.architecture(fit.config_of(model)).parameters / 1e9
    assert found == pytest.approx(billions, rel=0.004)


def test_parameters_are_those_that_cards_state() -> None:
    stated = tomllib.loads(Path(__file__).with_name("stated.toml").read_text())
    ours = {name: fit.architecture(fit.config_of(name)).parameters / 1e9 for name in stated}
    off = {
        name: (count, ours[name])
        for name, count in stated.items()
        if abs(ours[name] / count - 1) > 0.01
    }
    assert not off


def test_grouped_heads_and_a_tied_vocabulary() -> None:
    model = fit.architecture(small(tie_word_embeddings=True, head_dim=32))
    assert model.tied
    assert model.layers[0].mixer == Attention(heads=8, kv_heads=2, head=32, head_v=32)
    assert model.layers[0].mlp == Dense(size=1024)


def test_the_text_part_of_a_multimodal_config_is_read() -> None:
    model = fit.architecture(fit.config_of("google/gemma-3-12b-it"))
    assert (model.hidden, len(model.layers)) == (3840, 48)
    assert model.multimodal
    assert model.vision == pytest.approx(0.42e9, rel=0.05)


def test_windows_by_pattern_and_by_list_are_the_same() -> None:
    listed = ["sliding_attention"] * 3 + ["full_attention"]
    by_list = small(layer_types=listed, sliding_window=1024)
    by_pattern = small(sliding_window_pattern=4, sliding_window=1024)
    assert mixers(by_list) == mixers(by_pattern)
    assert [mixer.kind for mixer in mixers(by_list)] == ["window"] * 3 + ["full"]


def test_a_window_that_is_switched_off_counts_for_nothing() -> None:
    config = small(model_type="qwen2", architectures=["Qwen2ForCausalLM"], sliding_window=512)
    assert {mixer.kind for mixer in mixers(config)} == {"window"}
    assert {mixer.kind for mixer in mixers({**config, "use_sliding_window": False})} == {"full"}


def test_every_fourth_layer_of_llama_4_sees_everything() -> None:
    found = mixers(fit.config_of("meta-llama/Llama-4-Scout-17B-16E-Instruct"))
    assert [mixer.kind for mixer in found[:4]] == ["chunk", "chunk", "chunk", "full"]
    assert found[0].span == 8192


def test_latent_attention_with_and_without_an_indexer() -> None:
    plain = mixers(fit.config_of("deepseek-ai/DeepSeek-R1"))[0]
    sparse = mixers(fit.config_of("deepseek-ai/DeepSeek-V3.2"))[0]
    assert isinstance(plain, Latent)
    assert (plain.kv_rank, plain.rope, plain.index_heads) == (512, 64, 0)
    assert isinstance(sparse, Latent)
    assert (sparse.index_heads, sparse.index_head) == (64, 128)


@pytest.mark.parametrize(
    ("model", "recurrent", "attending"),
    [
        ("Qwen/Qwen3-Next-80B-A3B-Instruct", 36, 12),
        ("Qwen/Qwen3.5-35B-A3B", 30, 10),
        ("ai21labs/AI21-Jamba-Mini-1.7", 28, 4),
        ("nvidia/NVIDIA-Nemotron-Nano-9B-v2", 27, 4),
        ("ibm-granite/granite-4.0-h-small", 36, 4),
        ("moonshotai/Kimi-Linear-48B-A3B-Instruct", 20, 7),
    ],
)
def test_hybrid_models_have_layers_of_both_kinds(
    model: str, recurrent: int, attending: int
) -> None:
    found = mixers(fit.config_of(model))
    assert sum(isinstance(mixer, Recurrent) for mixer in found) == recurrent
    assert sum(isinstance(mixer, Attention | Latent) for mixer in found) == attending


def test_experts_where_the_config_puts_them() -> None:
    scout = fit.architecture(fit.config_of("meta-llama/Llama-4-Maverick-17B-128E-Instruct"))
    dense = [isinstance(layer.mlp, Dense) for layer in scout.layers[:4]]
    assert dense == [True, False, True, False]
    deepseek = fit.architecture(fit.config_of("deepseek-ai/DeepSeek-R1"))
    assert [isinstance(layer.mlp, Experts) for layer in deepseek.layers[:4]] == [False] * 3 + [True]
    assert deepseek.experts is not None
    assert deepseek.experts.shared_size == 2048


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model_type": None, "architectures": None}, "neither model_type nor architectures"),
        ({"model_type": "foo", "architectures": ["FooForCausalLM"]}, "is not known here"),
        ({"model_type": None, "architectures": ["FooForCausalLM"]}, "'FooForCausalLM'"),
        ({"architectures": ["FooForCausalLM"]}, "'FooForCausalLM' is not one of 'llama'"),
        ({"architectures": ["DeepseekV3ForCausalLM"]}, "is not one of 'llama'"),
        ({"num_hidden_layers": "eighty"}, "'eighty', not a whole number"),
        ({"num_hidden_layers": -3}, "-3, which can't be"),
        ({"num_hidden_layers": True}, "not a whole number"),
        ({"hidden_size": 10**4000}, "more than 18 digits"),
        ({"hidden_size": float("nan")}, "not a whole number"),
        ({"num_key_value_heads": 3}, "8 attention heads can't share 3 KV heads"),
        ({"num_attention_heads": 7, "num_key_value_heads": 7}, "can't be shared by 7 heads"),
        ({"layer_types": ["full_attention"] * 3}, "num_hidden_layers is 4, but 3 kinds"),
        ({"layer_types": ["full_attention"] * 3 + ["warp"]}, "'warp' are not known"),
        ({"num_local_experts": 4, "num_experts_per_tok": 8}, "8 experts per token of 4"),
        ({"quantization_config": {"quant_method": "magic"}}, "'magic' is not known"),
        ({"quantization_config": []}, "quantization_config is not an object"),
        ({"torch_dtype": "bfloat17"}, "'bfloat17' is not known"),
        ({"hidden_size_per_layer_input": 256}, "hidden_size_per_layer_input"),
        ({"text_config": 5}, "text_config is not an object"),
        (
            {
                "num_hidden_layers": 1000,
                "hidden_size": 2**17,
                "intermediate_size": 2**24,
                "head_dim": 128,
            },
            "parameters, which can't be",
        ),
    ],
)
def test_a_config_that_can_not_be_true_gives_its_reason(
    changes: dict[str, Any], reason: str
) -> None:
    assert reason in fit.architecture(small(**changes)).problem


def test_nothing_at_all_gives_a_reason() -> None:
    assert fit.architecture({}).problem
    assert fit.architecture([]).problem == "config is not an object"  # type: ignore[arg-type]
    deep: dict[str, Any] = {}
    for _ in range(10_000):
        deep = {"text_config": deep}
    assert fit.architecture(deep).problem


@given(st.dictionaries(st.sampled_from(KEYS) | st.text(max_size=8), JSON))
def test_no_config_is_too_strange(config: dict[str, Any]) -> None:
    found = fit.architecture(config)
    assert found.problem or found.layers


@given(st.sampled_from(NEEDED), NONSENSE)
def test_nonsense_in_a_needed_place_is_never_believed(key: str, value: Any) -> None:
    answer = sums.answer({"config": small(**{key: value}), "machine": "mi300x:1"})
    assert answer["verdict"] == "unknown"
    assert key in answer["reason"] or answer["notes"]


@given(st.sampled_from(KEYS), JSON)
def test_one_strange_key_is_answered_or_gives_a_reason(key: str, value: Any) -> None:
    answer = sums.answer({"config": {**SMALL, key: value}, "machine": "mi300x:1"})
    assert answer["verdict"] in ("FITS", "TIGHT", "NO", "unknown")
    assert answer["reason"]
