"""Every kind of ``quantization_config`` that is published, each on a body of the catalogue.

Written after the exporters' own forms. What vLLM makes of each stands in
``tests/core/fit/memory/counted.json``.
"""

from __future__ import annotations

from typing import Any

Block = dict[str, Any]

DENSE, LLAMA = "Qwen/Qwen3-8B", "meta-llama/Llama-3.1-8B-Instruct"
EXPERTS, MIXTRAL = "Qwen/Qwen3-30B-A3B", "mistralai/Mixtral-8x7B-Instruct-v0.1"
SEES, SEES_EXPERTS = "google/gemma-3-27b-it", "Qwen/Qwen3-VL-30B-A3B-Instruct"
HYBRID, HYBRID_EXPERTS = "Qwen/Qwen3.6-27B", "Qwen/Qwen3.6-35B-A3B"

ATTENTION = [f"self_attn.{each}_proj" for each in "qkvo"]
MLP = [f"mlp.{each}_proj" for each in ("gate", "up", "down")]
ROUTER = ["lm_head", "re:.*mlp.gate$"]


def named(count: int, *names: str, prefix: str = "model.layers") -> list[str]:
    """Return `names` in each of `count` layers."""
    return [f"{prefix}.{layer}.{name}" for layer in range(count) for name in names]


def _fp8(*skipped: str, **more: Any) -> Block:
    method = {"quant_method": "fp8", "fmt": "e4m3", "activation_scheme": "dynamic"}
    return {**method, "modules_to_not_convert": ["lm_head", *skipped], **more}


_BLOCKS = {"weight_block_size": [128, 128]}


# Compressed tensors: weights and activations of a group, and the groups.
def _of(kind: str, bits: int, strategy: str, **more: Any) -> Block:
    same = {"symmetric": True, "dynamic": False}
    return {"type": kind, "num_bits": bits, "strategy": strategy, **same, **more}


_ROWS, _WHOLE = _of("float", 8, "channel"), _of("float", 8, "tensor")
_TOKENS = _of("float", 8, "token", dynamic=True)
_INT4 = _of("int", 4, "group", group_size=128)


def _group(weights: Block, inputs: Block | None = None, *targets: str, **more: Any) -> Block:
    its = {"weights": weights, "input_activations": inputs, "output_activations": None}
    return {"targets": list(targets) or ["Linear"], **its, **more}


def _compressed(form: str, *groups: Block, ignore: Any = ("lm_head",), **more: Any) -> Block:
    return {
        "quant_method": "compressed-tensors",
        "format": form,
        "quantization_status": "compressed",
        "ignore": list(ignore),
        "config_groups": {f"group_{number}": group for number, group in enumerate(groups)},
        **more,
    }


_FP8, _PACKED = "float-quantized", "pack-quantized"


# Quark: what holds for a tensor, for a layer, and for all.
def _tensor(dtype: str, scheme: str = "per_tensor", *, inputs: bool = False) -> Block:
    groups = scheme == "per_group"
    return {
        "dtype": dtype,
        "qscheme": scheme,
        "is_dynamic": inputs and scheme != "per_tensor",
        "symmetric": None if groups else True,
        "ch_axis": {"per_group": -1, "per_channel": int(inputs)}.get(scheme),
        "group_size": 32 if groups else None,
        "round_method": "half_even",
        "scale_type": "float",
        **({"scale_format": "e8m0", "scale_calculation_mode": "even"} if groups else {}),
    }


def _layer(dtype: str, scheme: str = "per_tensor", inputs: str = "") -> Block:
    taken = _tensor(inputs or dtype, scheme, inputs=True)
    none = {"output_tensors": None, "bias": None, "target_device": None}
    return {"weight": _tensor(dtype, scheme), "input_tensors": taken, **none}


def _quark(whole: Block, *more: str, layers: Any = None, kv: bool = False) -> Block:
    caches = {name: _layer("fp8_e4m3") for name in ("*k_proj", "*v_proj")} if kv else {}
    packed = {"pack_method": "reorder", "weight_format": "real_quantized"}
    return {
        "quant_method": "quark",
        "quant_mode": "eager_mode",
        "exclude": ["lm_head", *more],
        "global_quant_config": whole,
        "layer_quant_config": layers or {},
        "layer_type_quant_config": {},
        "export": {"kv_cache_group": list(caches), "weight_merge_groups": None, **packed},
        "kv_cache_quant_config": caches,
        "algo_config": None,
        "softmax_quant_spec": None,
    }


_Q8, _Q4 = _layer("fp8_e4m3"), _layer("fp4", "per_group")
_TOWERS = ("language_model.lm_head", "re:vision_tower.*", "re:multi_modal_projector.*")


def _gptq(**more: Any) -> Block:
    form = {"desc_act": False, "sym": True, "lm_head": False, "checkpoint_format": "gptq"}
    return {"quant_method": "gptq", "bits": 4, "group_size": 128, **form, **more}


def _awq(*skipped: str) -> Block:
    form = {"bits": 4, "group_size": 128, "zero_point": True, "version": "gemm"}
    more = {"modules_to_not_convert": list(skipped)} if skipped else {}
    return {"quant_method": "awq", **form, **more}


def _bnb(bits: int, *skipped: str) -> Block:
    four = {"bnb_4bit_quant_type": "nf4", "bnb_4bit_compute_dtype": "bfloat16"}
    stored = {"bnb_4bit_use_double_quant": True, "bnb_4bit_quant_storage": "uint8"}
    loaded = {"load_in_4bit": bits == 4, "load_in_8bit": bits == 8}
    more = {"llm_int8_skip_modules": list(skipped)} if skipped else {}
    return {
        "quant_method": "bitsandbytes",
        **loaded,
        **(four | stored if bits == 4 else {}),
        **more,
    }


def _autoround(**more: Any) -> Block:
    form = {"data_type": "int", "packing_format": "auto_round:auto_gptq"}
    return {"quant_method": "auto-round", "bits": 4, "group_size": 128, "sym": True, **form, **more}


_KV8 = {"kv_cache_scheme": {"dynamic": False, "num_bits": 8, "type": "float"}}


def _modelopt(algorithm: str, *skipped: str, **more: Any) -> Block:
    made = {"producer": {"name": "modelopt", "version": "0.37"}}
    ignored = ["lm_head", *skipped]
    return {"quant_method": "modelopt", "quant_algo": algorithm, "ignore": ignored, **made, **more}


_PLAIN = {"bits": 16, "data_type": "float"}
_TOWER = [
    f"model.visual.blocks.{block}.{name}"
    for block in range(27)
    for name in ("attn.proj", "attn.qkv", "mlp.linear_fc1", "mlp.linear_fc2")
]
_LINEAR = ["linear_attn.conv1d", "linear_attn.in_proj_a", "linear_attn.in_proj_b"]
_TEXT = "model.language_model.layers"

KINDS: dict[str, tuple[str, Block]] = {
    "fp8 tensor": (DENSE, _fp8(activation_scheme="static")),
    "fp8 blocks": (DENSE, _fp8(**_BLOCKS)),
    "fp8 blocks, experts alone": (EXPERTS, _fp8(*named(48, "mlp.gate", *ATTENTION), **_BLOCKS)),
    "fp8 blocks, sees": (
        SEES_EXPERTS,
        _fp8(*named(48, "mlp.gate", prefix=_TEXT), *_TOWER, **_BLOCKS),
    ),
    "fp8 blocks, hybrid": (
        HYBRID,
        _fp8("model.visual", *named(64, *_LINEAR, prefix=_TEXT), **_BLOCKS),
    ),
    "fp8 blocks, hybrid experts": (
        HYBRID_EXPERTS,
        _fp8(
            "model.visual",
            "mtp",
            *named(40, *_LINEAR, "mlp.gate", "mlp.shared_expert_gate", prefix=_TEXT),
            **_BLOCKS,
        ),
    ),
    "fbgemm": (
        LLAMA,
        {
            "quant_method": "fbgemm_fp8",
            "activation_scale_ub": 1200.0,
            "modules_to_not_convert": ["lm_head", *named(32, *ATTENTION), *named(1, *MLP)],
        },
    ),
    "compressed fp8 rows": (LLAMA, _compressed(_FP8, _group(_ROWS, _TOKENS))),
    "compressed fp8, kv": (
        LLAMA,
        _compressed(_FP8, _group(_WHOLE, _WHOLE), kv_cache_scheme=_WHOLE),
    ),
    "compressed fp8 experts": (EXPERTS, _compressed(_FP8, _group(_ROWS, _TOKENS), ignore=ROUTER)),
    "compressed fp8 blocks": (
        EXPERTS,
        _compressed(
            _FP8,
            _group(
                _of("float", 8, "block", block_structure=[128, 128]),
                _of("float", 8, "group", group_size=128, dynamic=True),
            ),
            ignore=ROUTER,
        ),
    ),
    "compressed int4": (DENSE, _compressed(_PACKED, _group(_INT4))),
    "compressed int4, zeros": (
        DENSE,
        _compressed(_PACKED, _group(_of("int", 4, "group", group_size=32, symmetric=False))),
    ),
    "compressed int4 experts": (EXPERTS, _compressed(_PACKED, _group(_INT4), ignore=ROUTER)),
    "compressed int4 experts alone": (
        EXPERTS,
        _compressed(_PACKED, _group(_INT4), ignore=[*ROUTER, "re:.*self_attn.*"]),
    ),
    "compressed int8": (
        LLAMA,
        _compressed(
            "int-quantized", _group(_of("int", 8, "channel"), _of("int", 8, "token", dynamic=True))
        ),
    ),
    "compressed int8 weights": (
        LLAMA,
        _compressed(_PACKED, _group(_of("int", 8, "group", group_size=128))),
    ),
    "compressed two groups": (
        LLAMA,
        _compressed(
            "mixed-precision",
            _group(_ROWS, _TOKENS, r"re:.*self_attn\.(q|k|v|o)_proj", format=_FP8),
            _group(_INT4, None, r"re:.*mlp\.(gate|up|down)_proj", format=_PACKED),
        ),
    ),
    "compressed first layers": (
        LLAMA,
        _compressed(
            "mixed-precision",
            _group(_ROWS, _TOKENS, r"re:model\.layers\.[0-3]\..*", format=_FP8),
            _group(_INT4, None, "Linear", format=_PACKED),
        ),
    ),
    "compressed fp8, sees": (
        SEES,
        _compressed(
            _FP8,
            _group(_ROWS, _TOKENS),
            ignore=["re:.*lm_head", "re:.*vision_tower.*", "re:.*multi_modal_projector.*"],
        ),
    ),
    "compressed fp8, hybrid": (
        HYBRID,
        _compressed(
            _FP8,
            _group(_ROWS, _TOKENS),
            ignore=["re:.*lm_head", "re:.*visual.*", "re:.*linear_attn.*"],
        ),
    ),
    "quark fp8": (LLAMA, _quark(_Q8)),
    "quark fp8, kv": (LLAMA, _quark(_Q8, kv=True)),
    "quark fp8 rows": (LLAMA, _quark(_layer("fp8_e4m3", "per_channel"))),
    "quark fp8 experts": (EXPERTS, _quark(_Q8, "*.mlp.gate")),
    "quark fp8 without attention": (LLAMA, _quark(_Q8, "re:.*self_attn.*")),
    "quark mxfp4": (LLAMA, _quark(_Q4)),
    "quark mxfp4 experts": (EXPERTS, _quark(_Q4, "re:.*mlp.gate$", "re:.*self_attn.*")),
    "quark mxfp6": (LLAMA, _quark(_layer("fp6_e3m2", "per_group"))),
    "quark mxfp4, fp6 inputs": (LLAMA, _quark(_layer("fp4", "per_group", "fp6_e2m3"))),
    "quark by layer": (LLAMA, _quark(_Q4, layers={"*self_attn*": _Q8})),
    "quark fp8, sees": (SEES, _quark(_Q8, *_TOWERS)),
    "quark fp8, sees, first layer": (
        SEES,
        _quark(_Q8, *_TOWERS, *named(1, *ATTENTION, prefix="language_model.model.layers")),
    ),
    "quark int8": (LLAMA, _quark(_layer("int8", "per_channel"))),
    "gptq": (DENSE, _gptq()),
    "gptq 8 bits": (DENSE, _gptq(bits=8)),
    "gptq dynamic": (
        DENSE,
        _gptq(
            dynamic={
                r"+:.*\.down_proj.*": {"bits": 8, "group_size": 64},
                r"-:.*\.(0|1|2)\.self_attn\..*": {},
            }
        ),
    ),
    "gptq experts": (EXPERTS, _gptq(dynamic={r"-:.*\.gate$": {}})),
    "gptq experts of 32": (EXPERTS, _gptq(group_size=32)),
    "awq": (DENSE, _awq()),
    "awq without attention": (LLAMA, _awq("self_attn")),
    "awq experts": (EXPERTS, _awq("mlp.gate")),
    "awq hybrid": (HYBRID, _awq("linear_attn", "visual", "lm_head")),
    "awq mixtral": (MIXTRAL, _awq("gate")),
    "bitsandbytes 4": (LLAMA, _bnb(4)),
    "bitsandbytes 4, skips": (
        LLAMA,
        _bnb(4, "lm_head", "model.layers.1.self_attn", "model.layers.2.mlp"),
    ),
    "bitsandbytes 8": (LLAMA, _bnb(8, "lm_head")),
    "auto-round": (DENSE, _autoround()),
    "auto-round, plain attention": (
        DENSE,
        _autoround(extra_config=dict.fromkeys(named(36, *ATTENTION), _PLAIN)),
    ),
    "auto-round as awq": (DENSE, _autoround(sym=False, packing_format="auto_round:auto_awq")),
    "modelopt fp8, kv": (LLAMA, _modelopt("FP8", **_KV8)),
    "modelopt fp8": (LLAMA, _modelopt("FP8")),
    "modelopt fp8 experts": (EXPERTS, _modelopt("FP8", "*mlp.gate")),
    "modelopt fp8 blocks": (LLAMA, _modelopt("FP8_PB_WO")),
    "modelopt fp8 rows": (LLAMA, _modelopt("FP8_PER_CHANNEL_PER_TOKEN")),
    "modelopt mxfp8": (LLAMA, _modelopt("MXFP8")),
    "modelopt nvfp4": (LLAMA, _modelopt("NVFP4", group_size=16, **_KV8)),
    "modelopt mixed": (
        LLAMA,
        _modelopt(
            "MIXED_PRECISION",
            quantized_layers={name: {"quant_algo": "FP8"} for name in named(32, *MLP)},
        ),
    ),
    "modelopt fp8, sees": (
        SEES,
        _modelopt("FP8", "*vision_tower*", "*multi_modal_projector*", "language_model.lm_head"),
    ),
    "mxfp4 experts": (
        EXPERTS,
        {
            "quant_method": "mxfp4",
            "modules_to_not_convert": [
                "model.layers.*.self_attn",
                "model.layers.*.mlp.gate",
                "model.embed_tokens",
                "lm_head",
            ],
        },
    ),
}
