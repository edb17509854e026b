"""What one GPU loads, counted from the architecture."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core import fit
from aim_jupyter.core.checkpoint.formats import Format
from aim_jupyter.core.fit.memory.weights import _How, _layer, shares, stages
from aim_jupyter.core.sizes import GIB
from aim_jupyter.testing import sums
from tests.core.fit.conftest import small


def gib(model: str, tp: int = 1, pp: int = 1, dtype: str = "auto") -> float:
    found = shares(fit.architecture(fit.config_of(model)), tp, pp, dtype)
    return max(share.total for share in found) / GIB


@pytest.mark.parametrize(
    ("model", "tp", "measured"),
    [
        ("meta-llama/Llama-3.1-8B-Instruct", 1, 14.99),
        ("meta-llama/Llama-3.1-8B-Instruct", 4, 3.77),
        ("RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic", 4, 16.96),
        ("Qwen/Qwen3-8B-AWQ", 1, 5.71),
        ("RedHatAI/Meta-Llama-3.1-8B-Instruct-quantized.w4a16", 1, 5.38),
        ("deepseek-ai/DeepSeek-R1-0528", 8, 79.88),
        ("mistralai/Mixtral-8x7B-Instruct-v0.1", 2, 43.51),
        ("google/gemma-3-4b-it", 1, 8.58),
        ("openai/gpt-oss-120b", 1, 65.97),
        ("openai/gpt-oss-20b", 2, 7.01),
    ],
)
def test_weights_are_those_that_engines_logged(model: str, tp: int, measured: float) -> None:
    assert gib(model, tp) == pytest.approx(measured, rel=0.01)


def test_single_precision_is_loaded_in_half_unless_asked_for() -> None:
    config = small(torch_dtype="float32")
    half, whole = (shares(fit.architecture(config), 1, 1, d)[0] for d in ("auto", "float32"))
    assert whole.total == 2 * half.total


def test_norms_stay_whole_and_kv_heads_are_repeated() -> None:
    two, four = (shares(fit.architecture(small()), tp)[0] for tp in (2, 4))
    assert four.layers > two.layers / 2  # 2 KV heads can't be halved twice
    kept = 4 * (2 * 64 * 512 * 2) // 2  # what 4 ranks hold more: keys and values of one head
    assert four.layers - two.layers // 2 >= kept


def test_the_vocabulary_is_padded_and_counted_once_where_it_is_tied() -> None:
    one, two = (
        shares(fit.architecture(small(tie_word_embeddings=tied)), 1)[0].vocabulary
        for tied in (True, False)
    )
    assert two == 2 * one == 2 * 1024 * 512 * 2


@pytest.mark.parametrize(
    ("count", "pp", "sizes"), [(32, 2, [16, 16]), (61, 4, [15, 15, 16, 15]), (5, 3, [2, 2, 1])]
)
def test_pipeline_stages_share_layers_as_the_engine_does(
    count: int, pp: int, sizes: list[int]
) -> None:
    found = stages(count, pp)
    assert [len(span) for span in found] == sizes
    assert [layer for span in found for layer in span] == list(range(count))


def test_a_stage_holds_its_layers_and_an_end_of_the_model() -> None:
    whole = gib("meta-llama/Llama-3.1-8B-Instruct")
    assert gib("meta-llama/Llama-3.1-8B-Instruct", pp=2) == pytest.approx(whole / 2, rel=0.01)


@pytest.mark.parametrize(
    ("shape", "rows", "columns", "expected"),
    [
        (Format("x", 8), 256, 512, 256 * 512 + 256 * 4),
        (Format("x", 8, 128, 128), 256, 512, 256 * 512 + 2 * 4 * 4),
        (Format("x", 4, 1, 128, 16), 256, 512, 256 * 512 // 2 + 256 * 4 * 2),
        (Format("x", 4, 1, 32, 8), 2880, 2880, 2880 * 2880 // 2 + 2880 * 90),
    ],
)
def test_scales_come_on_top(shape: Format, rows: int, columns: int, expected: int) -> None:
    assert shape.bytes(rows, columns) == expected


def scheme(**weights: Any) -> dict[str, Any]:
    groups = {"group_0": {"targets": ["Linear"], "weights": weights}}
    return {"quant_method": "compressed-tensors", "config_groups": groups}


@pytest.mark.parametrize(
    ("config", "bits"),
    [
        ({"quant_method": "fp8"}, 8),
        ({"quant_method": "fp8", "weight_block_size": [128, 128]}, 8),
        ({"quant_method": "awq", "bits": 4, "group_size": 128}, 4),
        ({"quant_method": "gptq", "bits": 8, "group_size": -1}, 8),
        (scheme(num_bits=8, type="int", strategy="channel"), 8),
        (scheme(num_bits=4, type="int", strategy="group", group_size=32), 4),
        (scheme(num_bits=8, type="float", strategy="block", block_structure=[128, 128]), 8),
        ({"quant_method": "quark", "global_quant_config": {"weight": {"dtype": "fp4"}}}, 4),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4", "ignore": ["lm_head"]}, 4),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, 4),
    ],
)
def test_quantized_layers_take_fewer_bits(config: dict[str, Any], bits: int) -> None:
    plain = shares(fit.architecture(small()), 1)[0]
    found = shares(fit.architecture(small(quantization_config=config)), 1)[0]
    assert found.layers / plain.layers == pytest.approx(bits / 16, rel=0.15)
    assert found.vocabulary == plain.vocabulary


def test_modules_that_are_left_out_stay_as_they_are() -> None:
    fp8 = {"quant_method": "fp8", "modules_to_not_convert": ["model.layers.0.self_attn.o_proj"]}
    whole, part = (
        shares(fit.architecture(small(quantization_config=config)), 1)[0].layers
        for config in ({"quant_method": "fp8"}, fp8)
    )
    plain = shares(fit.architecture(small()), 1)[0].layers
    assert whole < part < plain


@given(
    st.lists(
        st.sampled_from(
            [
                *("self_attn", "lm_head", "re:.*down_proj$", "re:.*layers.2.*", "mlp.*"),
                *("model.layers.0", "model.layers.1.mlp", "layers.3.self_attn.q_proj"),
                *(r"re:model\.layers\.\d\.mlp\..*", "model.layers." + "9" * 5000),
            ]
        ),
        unique=True,
    )
)
def test_equal_layers_that_nothing_names_are_counted_as_one(skipped: list[str]) -> None:
    config = {"quant_method": "fp8", "modules_to_not_convert": skipped}
    architecture = fit.architecture(small(num_hidden_layers=5, quantization_config=config))

    how = _How(architecture, tp=2, size=2)
    one_by_one = (_layer(how, layer, place) for place, layer in enumerate(architecture.layers))
    assert shares(architecture, 2)[0].layers == sum(one_by_one)


def test_a_pattern_that_is_none_is_no_crash() -> None:
    config = small(quantization_config=scheme(num_bits=8, type="float") | {"ignore": ["re:("]})
    answer = sums.answer({"config": config, "machine": "mi300x:1"})
    assert answer["verdict"] == "unknown"
    assert "bad pattern" in answer["notes"][0]
