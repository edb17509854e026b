"""Which format each matrix has, by every method of quantization."""

from typing import Any

import pytest

from aim_jupyter.core.checkpoint.fields import Fields, Unreadable
from aim_jupyter.core.checkpoint.methods import quantization
from aim_jupyter.core.checkpoint.quantization import beside

FP8_BLOCK = {"quant_method": "fp8", "weight_block_size": [128, 128]}
MXFP4 = {"dtype": "fp4", "qscheme": "per_group", "group_size": 32}
INT4 = {"num_bits": 4, "type": "int", "strategy": "group", "group_size": 128}
NVFP4 = {"num_bits": 4, "type": "float", "group_size": 16}
FP8 = {"num_bits": 8, "type": "float", "strategy": "channel"}
Q, DOWN = "model.layers.3.self_attn.q_proj", "model.layers.3.mlp.down_proj"
EXPERT = "model.layers.3.mlp.experts.0.up_proj"


def quark(**more: Any) -> dict[str, Any]:
    return {"quant_method": "quark", "global_quant_config": {"weight": MXFP4}} | more


def grouped(*groups: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"quant_method": "compressed-tensors", "config_groups": dict(enumerate(groups))} | more


@pytest.mark.parametrize(
    ("config", "module", "name"),
    [
        (FP8_BLOCK, Q, "fp8"),
        (FP8_BLOCK | {"modules_to_not_convert": [Q]}, Q, ""),
        (FP8_BLOCK | {"modules_to_not_convert": ["self_attn"]}, Q, "fp8"),  # vLLM compares exactly
        (FP8_BLOCK | {"ignored_layers": ["model.layers.3.mlp.experts.7.w1"]}, EXPERT, ""),
        ({"quant_method": "awq", "bits": 4}, Q, "int4"),
        ({"quant_method": "awq", "bits": 4, "modules_to_not_convert": ["self_attn"]}, Q, ""),
        ({"quant_method": "gptq", "bits": 8}, DOWN, "int8"),
        ({"quant_method": "gptq", "bits": 4, "dynamic": {"-:.*attn.*": {}}}, Q, ""),
        ({"quant_method": "gptq", "bits": 4, "dynamic": {"-:.*attn.*": {}}}, DOWN, "int4"),
        ({"quant_method": "gptq", "bits": 4, "dynamic": {r"+:.*\.3\..*": {"bits": 8}}}, Q, "int8"),
        ({"quant_method": "auto-round", "bits": 4, "extra_config": {Q: {"bits": 16}}}, Q, ""),
        ({"quant_method": "auto-round", "bits": 4, "extra_config": {".*attn.*": {"bits": 8}}},
         Q, "int8"),
        ({"quant_method": "auto-round", "bits": 4, "data_type": "mx_fp"}, Q, "mxfp4"),
        (grouped({"targets": ["Linear"], "weights": INT4}, ignore=["re:.*q_proj"]), Q, ""),
        (grouped({"targets": [r"re:.*(q|k|v|o)_proj$"], "weights": FP8},
                 {"targets": ["re:.*experts.*"], "weights": NVFP4}), EXPERT, "nvfp4"),
        (grouped({"targets": [r"re:.*(q|k|v|o)_proj$"], "weights": FP8},
                 {"targets": ["re:.*experts.*"], "weights": NVFP4}), Q, "fp8"),
        (grouped({"targets": [r"re:.*(q|k|v|o)_proj$"], "weights": FP8}), DOWN, ""),
        (quark(), Q, "mxfp4"),
        (quark(exclude=["re:.*self_attn.*"]), Q, ""),
        (quark(layer_quant_config={"*self_attn*": {"weight": {"dtype": "fp8_e4m3"}}}), Q, "fp8"),
        (quark(global_quant_config={}, layer_quant_config={"*experts*": {"weight": MXFP4}}), Q, ""),
        (quark(global_quant_config={}, layer_quant_config={"*experts*": {"weight": MXFP4}}),
         EXPERT, "mxfp4"),
        (quark(global_quant_config={"weight": {"dtype": "fp6_e2m3", "group_size": 32}}),
         Q, "mxfp6"),
        (quark(global_quant_config={"weight": [{"dtype": "fp8_e4m3"}, {"dtype": "int4"}]}),
         Q, "int4"),
        ({"quant_method": "modelopt", "quant_algo": "fp8"}, Q, "fp8"),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4",
          "ignore": ["model.language_model.layers.3.self_attn*"]}, Q, ""),
        ({"quant_method": "modelopt", "quant_algo": "NVFP4",
          "ignore": ["model.language_model.layers.3.self_attn*"]}, DOWN, "nvfp4"),
        ({"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION",
          "quantized_layers": {Q: {"quant_algo": "FP8"}}}, Q, "fp8"),
        ({"quant_method": "modelopt", "quant_algo": "MIXED_PRECISION",
          "quantized_layers": {Q: {"quant_algo": "FP8"}}}, DOWN, ""),
        ({"quant_method": "mxfp4"}, EXPERT, "mxfp4"),
        ({"quant_method": "mxfp4"}, Q, ""),
        ({"quant_method": "bitsandbytes", "load_in_4bit": True}, Q, "int4"),
        ({"quant_method": "bitsandbytes", "llm_int8_skip_modules": ["self_attn"]}, Q, ""),
        ({}, Q, ""),
    ],
)  # fmt: skip
def test_the_format_of_a_matrix(config: dict[str, Any], module: str, name: str) -> None:
    found = quantization(Fields(config)).format_of(module)
    assert (found.name if found else "") == name


@pytest.mark.parametrize(
    ("config", "kv"),
    [
        (quark(kv_cache_quant_config={"*k_proj": {}}), ""),
        ({"quant_method": "modelopt", "quant_algo": "FP8", "kv_cache_quant_algo": "FP8"}, "fp8"),
        ({"quant_method": "modelopt", "quantization": {"quant_algo": "FP8",
          "kv_cache_quant_algo": "NVFP4"}}, "nvfp4"),
        ({"quant_method": "modelopt", "quant_algo": "FP8",
          "kv_cache_scheme": {"dynamic": False, "num_bits": 8, "type": "float"}}, "fp8"),
        (grouped({"targets": ["Linear"], "weights": FP8}, kv_cache_scheme={"num_bits": 8}), "fp8"),
        (grouped({"targets": ["Linear"], "weights": FP8}, kv_cache_scheme=None), ""),
        (FP8_BLOCK, ""),
    ],
)  # fmt: skip
def test_what_auto_means_for_the_kv_cache(config: dict[str, Any], kv: str) -> None:
    assert quantization(Fields(config)).kv == kv


def test_the_file_beside_the_config_counts_where_that_says_nothing() -> None:
    other = {"producer": {"name": "modelopt"}, "quantization": {"quant_algo": "FP8"}}
    assert quantization(Fields(beside({}, other)["quantization_config"])).precision == "fp8"
    assert "quantization_config" not in beside({}, {"quantization": {"quant_algo": "FP8"}})
    own: dict[str, Any] = {"quantization_config": {}}
    assert beside(own, other) == own


@pytest.mark.parametrize("config", [{"quant_method": "quack"}, {"quant_method": "modelopt"},
                                    {"quant_method": "compressed-tensors"}])  # fmt: skip
def test_what_can_not_be_read_says_so(config: dict[str, Any]) -> None:
    with pytest.raises(Unreadable):
        quantization(Fields(config))
