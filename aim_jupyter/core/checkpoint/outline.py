"""The numbers of a ``config.json`` that decide how a model is served.

Configs differ by family in what they call the same thing, nest the language model of a multimodal
one, leave things out, and now and then lie. Whatever is missing or no number is None here.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import Struct

Family = Literal["gqa", "sinks", "sliding", "mla", "sparse-mla", "hybrid"]

MOST = 1_000_000_000
"""No number of an architecture is larger."""

_NESTED = ("text_config", "llm_config", "language_config", "thinker_config")


class Architecture(Struct, frozen=True, kw_only=True):
    """What a config says, under one name each.

    Attributes
    ----------
    kv_layers : int or None
        Those that keep a KV cache growing with the context.
    expert_inner : int or None
        Width of one expert's feed-forward layer.
    experts : int
        Routed experts of a layer; 0 for a dense model.
    kv_rank : int or None
        Latent size of multi-head latent attention, with its rotary part.
    """

    family: Family = "gqa"
    model_type: str = ""
    kv_layers: int | None = None
    heads: int | None = None
    kv_heads: int | None = None
    head_dim: int | None = None
    expert_inner: int | None = None
    experts: int = 0
    vocabulary: int | None = None
    context: int | None = None
    kv_rank: int | None = None
    block_size: int | None = None
    precision: str | None = None

    @property
    def token_bytes(self) -> int | None:
        """KV cache of one token in 16 bits, in bytes, before it is split over GPUs."""
        if not self.kv_layers:
            return None
        if self.kv_rank:
            return self.kv_layers * self.kv_rank * 2
        if not (self.kv_heads and self.head_dim):
            return None
        return 2 * self.kv_layers * self.kv_heads * self.head_dim * 2

    def divides(self, tp: int) -> bool:
        """Return whether heads and vocabulary can be split over `tp` GPUs as vLLM does it."""
        if tp == 1:
            return True
        heads, kv_heads, vocabulary = self.heads, self.kv_heads, self.vocabulary
        if not (heads and vocabulary) or heads % tp:
            return False
        padded = -(-vocabulary // 64) * 64
        kv = self.kv_rank or not kv_heads or kv_heads % tp == 0 or tp % kv_heads == 0
        return bool(kv) and padded % tp == 0

    def experts_break(self, tp: int, precision: str) -> bool:
        """Return whether a split of each expert would cut through the blocks of its scales."""
        if not self.experts or not self.expert_inner:
            return False
        block = self.block_size or (128 if precision == "fp8" else 32)
        scaled = precision in ("fp8", "mxfp8")
        return bool(self.expert_inner % tp) or (scaled and self.expert_inner // tp % block != 0)


def architecture(config: dict[str, Any]) -> Architecture:
    """Return what a ``config.json`` says; never fails, whatever is in it."""
    text = _text(config)
    layers, heads = (
        _int(text, "num_hidden_layers", "n_layer"),
        _int(text, "num_attention_heads", "n_head"),
    )
    hidden = _int(text, "hidden_size", "n_embd", "d_model")
    kv_rank = _int(text, "kv_lora_rank")
    quantization = _dict(config, "quantization_config") or _dict(text, "quantization_config")
    return Architecture(
        family=_family(text),
        model_type=str(text.get("model_type") or config.get("model_type") or ""),
        kv_layers=_kv_layers(text, layers),
        heads=heads,
        kv_heads=_int(text, "num_key_value_heads") or heads,
        head_dim=_int(text, "head_dim") or (hidden // heads if hidden and heads else None),
        expert_inner=_int(text, "moe_intermediate_size", "expert_intermediate_size")
        or _int(text, "intermediate_size"),
        experts=_int(text, "n_routed_experts", "num_experts", "num_local_experts") or 0,
        vocabulary=_int(text, "vocab_size"),
        context=_int(text, "max_position_embeddings", "n_positions"),
        kv_rank=kv_rank + (_int(text, "qk_rope_head_dim") or 64) if kv_rank else None,
        block_size=_block(quantization),
        precision=_precision(config, text, quantization),
    )


def _family(text: dict[str, Any]) -> Family:
    if _int(text, "index_topk"):
        return "sparse-mla"
    if _int(text, "kv_lora_rank"):
        return "mla"
    if any(key.startswith(("linear_", "full_attention_interval", "mamba_")) for key in text):
        return "hybrid"
    if text.get("model_type") == "gpt_oss" or text.get("attention_sinks"):
        return "sinks"
    types = text.get("layer_types")
    mixed = isinstance(types, list) and "sliding_attention" in types
    return "sliding" if mixed or _int(text, "sliding_window_pattern") else "gqa"


def _kv_layers(text: dict[str, Any], layers: int | None) -> int | None:
    """Return the layers with a cache that grows; that of sliding and linear ones is bounded."""
    types = text.get("layer_types")
    if isinstance(types, list):
        return sum(kind == "full_attention" for kind in types) or layers
    # Llama 4 attends within chunks in three of four layers.
    chunked = 4 if _int(text, "attention_chunk_size") else None
    every = _int(text, "full_attention_interval", "sliding_window_pattern") or chunked
    return max(1, layers // every) if layers and every else layers


def _precision(
    config: dict[str, Any], text: dict[str, Any], quantization: dict[str, Any]
) -> str | None:
    method = str(quantization.get("quant_method") or "")
    if method:
        return _quantized(method, quantization)
    name = str(
        config.get("dtype")
        or config.get("torch_dtype")
        or text.get("dtype")
        or text.get("torch_dtype")
    )
    return {"bfloat16": "bf16", "float16": "fp16", "float32": "fp32"}.get(name)


def _quantized(method: str, quantization: dict[str, Any]) -> str | None:
    if method in ("awq", "gptq", "auto-round"):
        return "int8" if quantization.get("bits") == 8 else "int4"  # noqa: PLR2004 -- bits
    if "mxfp4" in str(quantization):
        return "mxfp4"
    if "fp8" in str(quantization):
        return "fp8"
    return "int4" if "'num_bits': 4" in str(quantization) else None


def _block(quantization: dict[str, Any]) -> int | None:
    size = quantization.get("weight_block_size")
    return size[0] if isinstance(size, list) and size and isinstance(size[0], int) else None


def _text(config: dict[str, Any]) -> dict[str, Any]:
    for key in _NESTED:
        if nested := _dict(config, key):
            return _text(nested)
    return config


def _dict(config: dict[str, Any], key: str) -> dict[str, Any]:
    value = config.get(key)
    return value if isinstance(value, dict) else {}


def _int(config: dict[str, Any], *keys: str) -> int | None:
    """Return the first of `keys` that holds a positive whole number below `MOST`."""
    for key in keys:
        value = config.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value < MOST:
            return value
    return None
