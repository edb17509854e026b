"""Mistral's own format, ``params.json`` and ``consolidated*.safetensors``, as the engine reads it.

Source: vLLM 0.32, ``transformers_utils/configs/mistral.py``; ``tokenizers/registry.py`` for the
tokenizers that it takes for Mistral's.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

CONFIG = "params.json"
#: What the engine is told of such a checkpoint stands in its config below this name.
ARGS = "aim_engine_args"
#: Tokenizers of Mistral's own; any other is one of Transformers.
_TOKENIZERS = ("tekken.json", "tokenizer.model.v*")
_NAMES = {
    "dim": "hidden_size",
    "norm_eps": "rms_norm_eps",
    "n_kv_heads": "num_key_value_heads",
    "n_layers": "num_hidden_layers",
    "n_heads": "num_attention_heads",
    "hidden_dim": "intermediate_size",
    "activation": "hidden_act",
    "tied_embeddings": "tie_word_embeddings",
}
_CONTEXT = 128_000
#: Of a mixture as Mixtral has it.
_MOE = {
    "num_experts": "num_local_experts",
    "num_experts_per_tok": "num_experts_per_tok",
    "expert_hidden_dim": "intermediate_size",
}
#: Of one with shared experts, which the engine runs as DeepSeek's.
_SHARED_MOE = {
    "route_every_n": "moe_layer_freq",
    "first_k_dense_replace": "first_k_dense_replace",
    "num_experts_per_tok": "num_experts_per_tok",
    "num_experts": "n_routed_experts",
    "expert_hidden_dim": "moe_intermediate_size",
    "routed_scale": "routed_scaling_factor",
    "num_shared_experts": "n_shared_experts",
    "num_expert_groups": "n_group",
    "num_expert_groups_per_tok": "topk_group",
}
_YARN = {
    "factor": "factor",
    "original_max_position_embeddings": "original_max_position_embeddings",
    "beta": "beta_fast",
    "alpha": "beta_slow",
}
_ENCODER = {
    "dim": "d_model",
    "n_layers": "encoder_layers",
    "hidden_dim": "encoder_ffn_dim",
    "n_heads": "encoder_attention_heads",
    "head_dim": "encoder_head_dim",
    "vocab_size": "vocab_size",
}


def adapted(params: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a ``config.json`` of the same model would say.

    Examples
    --------
    >>> found = adapted({"dim": 64, "n_layers": 2})
    >>> found["hidden_size"], found["num_hidden_layers"], found["architectures"]
    (64, 2, ['MistralForCausalLM'])
    """
    config = {_NAMES.get(name, name): value for name, value in params.items()}
    if config.get("max_position_embeddings") is None:
        config["max_position_embeddings"] = _CONTEXT
    if config.get("dtype") is None:
        config["dtype"] = "bfloat16"
    _set_windows(config)
    coded = _part(config, "quantization")
    quantization = {"quantization_config": _quantization(coded)} if coded else {}
    _set_body(config)
    _set_rope(config)
    several = _part(config, "multimodal")
    vision = several if "vision_encoder_args" in several else _part(config, "vision_encoder")
    if vision:
        return _wrapped("pixtral", config, {"vision_config": vision}, quantization)
    audio = several.get("whisper_model_args")
    if isinstance(audio, Mapping):
        return _wrapped("voxtral", config, {"audio_config": _audio(audio)}, quantization)
    return config | quantization


def _part(config: dict[str, Any], name: str) -> dict[str, Any]:
    """Take an object out of a config, empty where there is none."""
    found = config.pop(name, None)
    return dict(found) if isinstance(found, Mapping) else {}


def _set_body(config: dict[str, Any]) -> None:
    """Name the body: dense, a mixture, or one with latent attention or shared experts."""
    experts = _part(config, "moe")
    if config.get("qk_nope_head_dim") and not experts:
        # Latent attention without experts is run as a mixture of one, all of its layers dense.
        experts = {
            "num_experts": 1,
            "num_experts_per_tok": 1,
            "num_shared_experts": 1,
            "first_k_dense_replace": config.get("num_hidden_layers"),
            "route_every_n": 1,
            "expert_hidden_dim": config.get("intermediate_size"),
        }
    shared = bool(experts.get("num_shared_experts"))
    names = _SHARED_MOE if shared else _MOE
    config |= {names[name]: value for name, value in experts.items() if name in names}
    if config.get("model_type") == "mamba":
        config["architectures"] = ["Mamba2ForCausalLM"]
        return
    family, architecture = "mistral", "MistralForCausalLM"
    if experts:
        family, architecture = "mixtral", "MixtralForCausalLM"
    if shared:
        family, architecture = "deepseek_v3", "MistralLarge3ForCausalLM"
    config["model_type"], config["architectures"] = family, [architecture]


def _set_windows(config: dict[str, Any]) -> None:
    """Say of each layer whether its attention is windowed: a list is a pattern that repeats."""
    window, layers = config.get("sliding_window"), config.get("num_hidden_layers")
    config["sliding_window"] = window or None
    if isinstance(window, list) and window and isinstance(layers, int):
        kinds = ["sliding_attention" if width else "full_attention" for width in window]
        config["layer_types"] = kinds * (layers // len(window))
        config["sliding_window"] = next(filter(None, window), None)


def _set_rope(config: dict[str, Any]) -> None:
    yarn = _part(config, "yarn")
    if yarn:
        named = {_YARN[name]: value for name, value in yarn.items() if name in _YARN}
        theta = config.pop("rope_theta", None)
        config["rope_parameters"] = {
            "rope_type": "yarn",
            **({"rope_theta": theta} if theta else {}),
            **named,
        }


def _wrapped(
    family: str, body: dict[str, Any], encoder: dict[str, Any], quantization: dict[str, Any]
) -> dict[str, Any]:
    """Return the config of a model that sees or hears, whose words are a model of their own."""
    causal = encoder.get("audio_config", {}).get("is_causal")
    architecture = {
        "pixtral": "PixtralForConditionalGeneration",
        "voxtral": "VoxtralRealtimeGeneration" if causal else "VoxtralForConditionalGeneration",
    }[family]
    return {
        "model_type": family,
        "architectures": [architecture],
        "dtype": body["dtype"],
        "text_config": body,
        **encoder,
        **quantization,
    }


def _audio(whisper: Mapping[str, Any]) -> dict[str, Any]:
    encoder = whisper.get("encoder_args")
    encoder = encoder if isinstance(encoder, Mapping) else {}
    heard = encoder.get("audio_encoding_args")
    heard = heard if isinstance(heard, Mapping) else {}
    named = {_ENCODER[name]: value for name, value in encoder.items() if name in _ENCODER}
    known = ("max_source_positions", "sliding_window")
    return {
        **named,
        **{name: encoder[name] for name in known if encoder.get(name) is not None},
        "num_mel_bins": heard.get("num_mel_bins", 128),
        "is_causal": bool(encoder.get("causal")),
    }


def _quantization(coded: Mapping[str, Any]) -> dict[str, Any]:
    if coded.get("qformat_weight") == "fp8_e4m3":
        dynamic = coded.get("qscheme_act") == "NO_SCALES"
        return {"quant_method": "fp8", "activation_scheme": "dynamic" if dynamic else "static"}
    method = str(coded.get("quant_method", "")).lower().replace("_", "-")
    return {**coded, "quant_method": method} if method == "compressed-tensors" else dict(coded)


def arguments(folder: Path) -> dict[str, str]:
    """Return what an engine is told to load the checkpoint in `folder` in this format."""
    own = any(True for pattern in _TOKENIZERS for _ in folder.glob(pattern))
    said = {"config-format": "mistral", "load-format": "mistral"}
    return {**said, "tokenizer-mode": "mistral"} if own else said
