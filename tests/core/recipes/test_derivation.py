"""Recipes by rule, and the numbers of a config.json that they rest on."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aim_jupyter.core.checkpoint.outline import outline
from aim_jupyter.core.recipes import catalogue, complete, derive
from aim_jupyter.core.records import Recipe
from tests.core.conftest import box, laptop, rank

SMALL = {
    "model_type": "qwen3", "num_hidden_layers": 28, "hidden_size": 1024, "num_attention_heads": 16,
    "num_key_value_heads": 8, "head_dim": 128, "intermediate_size": 3072, "vocab_size": 151936,
    "max_position_embeddings": 40960, "tie_word_embeddings": True, "torch_dtype": "bfloat16",
}  # fmt: skip


def found(gpu: str, tp: int, config: dict[str, Any], **facts: Any) -> Recipe:
    recipes = derive("org/m", config | facts).recipes
    return next(one for one in recipes if (one.gpu_model, one.tp) == (gpu, tp))


@pytest.mark.parametrize(
    ("model", "size"),
    [
        ("meta-llama/Llama-3.1-8B-Instruct", 131_072), ("Qwen/Qwen3-32B", 262_144),
        ("Qwen/Qwen3-30B-A3B", 98_304), ("deepseek-ai/DeepSeek-R1", 70_272),
        ("moonshotai/Kimi-K2-Instruct", 70_272), ("openai/gpt-oss-120b", 36_864),
        ("MiniMaxAI/MiniMax-M2.5", 253_952), ("google/gemma-3-27b-it", 81_920),
    ],
)  # fmt: skip
def test_kv_bytes_of_a_token(model: str, size: int) -> None:
    assert outline(catalogue().find(model).facts).token_bytes == size


@pytest.mark.parametrize(
    ("facts", "family"),
    [
        ({}, "gqa"),
        ({"kv_lora_rank": 512}, "mla"),
        ({"kv_lora_rank": 512, "index_topk": 2048}, "sparse-mla"),
        ({"full_attention_interval": 4}, "hybrid"),
        ({"linear_num_key_heads": 16}, "hybrid"),
        ({"model_type": "gpt_oss"}, "sinks"),
        ({"layer_types": ["sliding_attention", "full_attention"]}, "sliding"),
    ],
)
def test_families(facts: dict[str, Any], family: str) -> None:
    assert outline(SMALL | facts).family == family


@pytest.mark.parametrize(
    ("facts", "precision"),
    [
        ({}, "bf16"),
        ({"torch_dtype": "float16"}, "fp16"),
        ({"torch_dtype": None, "dtype": "float32"}, "bf16"),
        ({"quantization_config": {"quant_method": "fp8"}}, "fp8"),
        ({"quantization_config": {"quant_method": "mxfp4"}}, "mxfp4"),
        ({"quantization_config": {"quant_method": "awq", "bits": 4}}, "int4"),
        ({"quantization_config": {"quant_method": "gptq", "bits": 8}}, "int8"),
        ({"quantization_config": {"quant_method": "compressed-tensors",
                                  "config_groups": {"g": {"weights": {"num_bits": 4}}}}}, "int4"),
    ],
)  # fmt: skip
def test_precision_of_a_checkpoint(facts: dict[str, Any], precision: str) -> None:
    assert {one.precision for one in derive("org/m", SMALL | facts).recipes} <= {precision}


def test_any_model_is_served_on_a_laptop_and_on_gpus() -> None:
    model = derive("/models/mine", SMALL)
    cpu = rank(model, laptop(8))[0]
    assert (cpu.verdict, cpu.recipe.weights.repo) == ("FITS", "/models/mine")
    assert cpu.recipe.args["kv-cache-memory-bytes"] == "1024M"
    assert rank(model, box("MI355X", 1))[0].recipe.id == "mi355x-bf16-tp1"
    assert {one.origin for one in model.recipes} == {"derived"}


def test_the_language_model_of_a_multimodal_one_counts() -> None:
    nested = {"model_type": "vl", "text_config": SMALL, "vision_config": {"hidden_size": 7}}
    assert outline(nested).token_bytes == outline(SMALL).token_bytes


@pytest.mark.parametrize(
    ("gpu", "tp", "facts", "args", "env"),
    [
        ("MI300X", 1, {}, {"attention-backend": "ROCM_AITER_FA"}, {"VLLM_ROCM_USE_AITER": "1"}),
        ("MI250X", 1, {}, {"max-num-batched-tokens": 8192}, {"VLLM_ROCM_USE_AITER": "0"}),
        ("MI355X", 2, {}, {"tensor-parallel-size": 2}, {"HSA_NO_SCRATCH_RECLAIM": "1"}),
        ("MI300X", 2, {}, {}, {"NCCL_MIN_NCHANNELS": "112"}),
        ("MI300X", 1, {"full_attention_interval": 4}, {"max-num-seqs": 64}, {}),
        ("MI300X", 1, {"kv_lora_rank": 512, "index_topk": 9}, {},
         {"VLLM_SPARSE_INDEXER_MAX_LOGITS_MB": "64"}),
    ],
)  # fmt: skip
def test_rules(gpu: str, tp: int, facts: Any, args: Any, env: Any) -> None:
    recipe = found(gpu, tp, SMALL, **facts)
    assert args.items() <= recipe.args.items()
    assert env.items() <= recipe.env.items()


def test_what_a_rule_does_not_say() -> None:
    assert "attention-backend" not in found("MI250X", 1, SMALL).args
    assert "NCCL_MIN_NCHANNELS" not in found("MI355X", 8, SMALL).env
    assert "attention-backend" not in found("MI300X", 1, SMALL, kv_lora_rank=512).args


def test_experts_stay_whole_where_a_cut_would_break_their_scales() -> None:
    fp8 = {"quantization_config": {"quant_method": "fp8", "weight_block_size": [128, 128]}}
    moe = SMALL | fp8 | {"num_experts": 128, "num_experts_per_tok": 8, "moe_intermediate_size": 768}
    assert "enable-expert-parallel" not in found("MI300X", 2, moe).args
    assert found("MI300X", 8, moe).args["enable-expert-parallel"] is None


@pytest.mark.parametrize(
    ("heads", "kv_heads", "vocabulary", "sizes"),
    [
        (16, 8, 151936, {1, 2, 4, 8}),
        (40, 10, 100352, {1, 2}),
        (28, 4, 152064, {1, 2, 4}),
        (24, 8, 129024, {1, 2, 4, 8}),
        (96, 8, 256128, {1, 2, 4, 8}),
        (15, 5, 49152, {1}),
        (9, 3, 49152, {1, 3}),
    ],
)
def test_sizes_that_divide(heads: int, kv_heads: int, vocabulary: int, sizes: set[int]) -> None:
    config = SMALL | {
        "num_attention_heads": heads, "num_key_value_heads": kv_heads, "vocab_size": vocabulary
    }  # fmt: skip
    recipes = [one for one in derive("org/m", config).recipes if one.gpu_model == "MI300X"]
    assert {one.tp for one in recipes} == sizes
    assert {one.tp for one in recipes if one.manual_only} == sizes & {3, 5, 6, 7}


def test_a_gpu_takes_over_what_was_stated_for_its_class() -> None:
    model = complete(catalogue().find("openai/gpt-oss-120b"), ("MI350X",))
    taken = next(one for one in model.recipes if one.id == "mi350x-mxfp4-tp1")
    stated = next(one for one in model.recipes if one.id == "mi355x-mxfp4-tp1")
    assert (taken.args, taken.env) == (stated.args, stated.env)
    assert (taken.origin, stated.origin) == ("derived", "published")
    assert taken.source.startswith("as on MI355X, same class; not measured here.")


def test_the_context_shrinks_until_one_request_fits() -> None:
    big = SMALL | {"num_hidden_layers": 80, "hidden_size": 8192, "num_key_value_heads": 64,
                   "num_attention_heads": 64, "intermediate_size": 8192}  # fmt: skip
    for config, kind, least in ((SMALL, "MI355X", 32_768), (big, "MI250X", 4_096)):
        recipe = f"{kind.lower()}-bf16-tp2"
        choice = rank(derive("org/m", config), box(kind, 2), recipe=recipe)[0]
        assert choice.verdict != "NO"
        assert choice.context_tokens is not None
        assert least <= choice.context_tokens <= 32_768
        assert (choice.context_tokens == 32_768) is (config is SMALL)
        assert choice.recipe.args["max-model-len"] == choice.context_tokens


_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**12), 10**12)
    | st.floats(allow_nan=True)
    | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)
_KEYS = st.sampled_from(
    [
        *SMALL, "text_config", "quantization_config", "kv_lora_rank", "index_topk", "layer_types",
        "num_experts", "n_routed_experts", "moe_intermediate_size", "full_attention_interval",
        "sliding_window_pattern", "first_k_dense_replace", "interleave_moe_layer_step",
    ]
)  # fmt: skip


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(_KEYS, _VALUES, max_size=6), st.sampled_from([{}, SMALL]))
def test_configs_that_lie_never_crash(lies: dict[str, Any], truth: dict[str, Any]) -> None:
    model = derive("org/m", truth | lies)
    for machine in (laptop(8), box("MI300X", 2)):
        for choice in rank(model, machine):
            assert choice.verdict in ("FITS", "TIGHT", "NO")
            assert choice.reason


def test_a_config_without_numbers_is_unknown_not_fitting() -> None:
    best = rank(derive("org/m", {}), laptop(8))[0]
    assert (best.verdict, best.reason[:30]) == ("TIGHT", "unknown: neither model_type no")
    assert {one.verdict for one in rank(derive("org/m", {}), box())} == {"NO"}
