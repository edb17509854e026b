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
_MOE = {
    "num_experts": "num_local_experts",
    "num_experts_per_tok": "num_experts_per_tok",
    "expert_hidden_dim": "intermediate_size",
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
    config.setdefault("max_position_embeddings", _CONTEXT)
    config.setdefault("dtype", "bfloat16")
    experts = config.pop("moe", None)
    if isinstance(experts, Mapping):
        config |= {_MOE[name]: value for name, value in experts.items() if name in _MOE}
    family = "mixtral" if experts else "mistral"
    config["model_type"] = family
    config["architectures"] = [f"{family.capitalize()}ForCausalLM"]
    config.setdefault("sliding_window", None)
    coded = config.pop("quantization", None)
    if isinstance(coded, Mapping):
        config["quantization_config"] = _quantization(coded)
    return config


def _quantization(coded: Mapping[str, Any]) -> dict[str, Any]:
    if coded.get("qformat_weight") == "fp8_e4m3":
        return {"quant_method": "fp8", "activation_scheme": "static"}
    return dict(coded)


def arguments(folder: Path) -> dict[str, str]:
    """Return what an engine is told to load the checkpoint in `folder` in this format."""
    own = any(True for pattern in _TOKENIZERS for _ in folder.glob(pattern))
    said = {"config-format": "mistral", "load-format": "mistral"}
    return {**said, "tokenizer-mode": "mistral"} if own else said
