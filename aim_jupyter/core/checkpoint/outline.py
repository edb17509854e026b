"""The numbers of a ``config.json`` that decide how a model is served, whatever its family.

A recipe can be derived for a model that `architecture` can't count: what is missing or no number is
None here, and nothing is refused.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from msgspec import Struct

from aim_jupyter.core.checkpoint import keys
from aim_jupyter.core.checkpoint.abilities import longest_sentence
from aim_jupyter.core.checkpoint.fields import Fields, Unreadable
from aim_jupyter.core.checkpoint.methods import quantization as stored

Family = Literal["gqa", "sinks", "sliding", "mla", "sparse-mla", "hybrid"]

MOST = 1_000_000_000
"""No number of an architecture is larger."""


class Outline(Struct, frozen=True, kw_only=True):
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


def outline(config: Mapping[str, Any]) -> Outline:
    """Return what a ``config.json`` says; never fails, whatever is in it."""
    text = _text(config)
    layers, heads = _int(text, *keys.LAYERS), _int(text, *keys.HEADS)
    hidden = _int(text, *keys.HIDDEN)
    kv_rank = _int(text, "kv_lora_rank")
    quantization = _part(config, *keys.QUANTIZATION) or _part(text, *keys.QUANTIZATION)
    return Outline(
        family=_family(text),
        model_type=str(text.get("model_type") or config.get("model_type") or ""),
        kv_layers=_kv_layers(text, layers),
        heads=heads,
        kv_heads=_int(text, *keys.KV_HEADS) or heads,
        head_dim=_int(text, *keys.HEAD) or (hidden // heads if hidden and heads else None),
        expert_inner=_int(text, *keys.EXPERT_SIZE),
        experts=_int(text, *keys.EXPERTS) or 0,
        vocabulary=_int(text, "vocab_size"),
        context=longest_sentence(config) or _int(text, *keys.LENGTHS),
        kv_rank=kv_rank + (_int(text, "qk_rope_head_dim") or 64) if kv_rank else None,
        block_size=_block(quantization),
        precision=_precision(config, text, quantization),
    )


def _family(text: Mapping[str, Any]) -> Family:
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


def _kv_layers(text: Mapping[str, Any], layers: int | None) -> int | None:
    """Return the layers with a cache that grows; that of sliding and linear ones is bounded."""
    types = text.get("layer_types")
    if isinstance(types, list):
        return sum(kind == "full_attention" for kind in types) or layers
    # Llama 4 attends within chunks in three of four layers.
    chunked = 4 if _int(text, "attention_chunk_size") else None
    every = _int(text, "full_attention_interval", "sliding_window_pattern") or chunked
    return max(1, layers // every) if layers and every else layers


def _block(quantization: Mapping[str, Any]) -> int | None:
    size = quantization.get("weight_block_size")
    return size[0] if isinstance(size, list) and size and isinstance(size[0], int) else None


def _precision(
    config: Mapping[str, Any], text: Mapping[str, Any], quantization: Mapping[str, Any]
) -> str | None:
    """Return what recipes call its format; the engine loads single precision in half of it.

    vLLM's ``auto`` takes float32 as bfloat16 where a family can't be had in float16, and as float16
    elsewhere (``_resolve_auto_dtype``); the figures are the same.
    """
    try:
        found = stored(Fields(quantization)).precision
    except Unreadable:
        return None
    names = (part.get(key) for key in ("dtype", "torch_dtype") for part in (config, text))
    name = str(next((each for each in names if each), "")).removeprefix("torch.")
    plain = {"bfloat16": "bf16", "float16": "fp16", "half": "fp16", "float32": "bf16"}
    return found or plain.get(name)


def _text(config: Mapping[str, Any]) -> Mapping[str, Any]:
    return _part(config, *keys.TEXT_PARTS) or config


def _part(config: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    found = (config.get(name) for name in names)
    return next((part for part in found if isinstance(part, dict) and part), {})


def _int(config: Mapping[str, Any], *keys: str) -> int | None:
    """Return the first of `keys` that holds a positive whole number below `MOST`."""
    for key in keys:
        value = config.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and 0 < value < MOST:
            return value
    return None
