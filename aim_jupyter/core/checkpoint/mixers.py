"""How each layer of a config reads the sequence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import structs

from aim_jupyter.core.checkpoint import keys
from aim_jupyter.core.checkpoint.families import Traits
from aim_jupyter.core.checkpoint.fields import MOST_TOKENS, Fields, Unreadable
from aim_jupyter.core.checkpoint.layers import Attention, AttentionKind, Latent, Mixer, Recurrent

Kind = Literal["full", "window", "chunk", "state", "mlp", "moe"]

MOST_LAYERS = 1024
MOST_HEAD = 4096

# As configs call them: layer_types, layers_block_type and the letters of hybrid_override_pattern.
_KINDS: dict[str, Kind] = {
    "full_attention": "full",
    "attention": "full",
    "indexed_attention": "full",
    "sliding_attention": "window",
    "chunked_attention": "chunk",
    "linear_attention": "state",
    "mamba": "state",
    "mlp": "mlp",
    "moe": "moe",
    "*": "full",
    "M": "state",
    "-": "mlp",
    "E": "moe",
}


def kinds(fields: Fields, traits: Traits) -> tuple[Kind, ...]:
    """Return the kind of each layer.

    Raises
    ------
    Unreadable
        If a list of kinds has another length than there are layers, or a kind is unknown.
    """
    named = _named(fields)
    count = fields.size(*keys.LAYERS, default=len(named) or None, most=MOST_LAYERS)
    if named:
        if len(named) != count:
            raise Unreadable(f"num_hidden_layers is {count}, but {len(named)} kinds are listed")
        return tuple(_kind(name) for name in named)
    if traits.mixer in ("delta", "kda", "mamba1", "mamba2"):
        full = _attention_layers(fields, count)
        return tuple("full" if layer in full else "state" for layer in range(count))
    return _patterned(fields, traits, count)


def mixers(fields: Fields, traits: Traits, layer_kinds: Sequence[Kind]) -> list[Mixer | None]:
    """Return the mixer of each layer; equal ones are the same object."""
    made: dict[Kind, Mixer | None] = {}
    for kind in layer_kinds:
        if kind not in made:
            made[kind] = _mixer(fields, traits, kind)
    found = [made[kind] for kind in layer_kinds]
    own = _indexers(fields, len(found))
    if own is None:
        return found
    without = {mixer: _unindexed(mixer) for mixer in made.values()}
    return [mixer if layer in own else without[mixer] for layer, mixer in enumerate(found)]


def _indexers(fields: Fields, count: int) -> set[int] | None:
    """Return the layers that choose what to look at; the others take over the choice of the last.

    vLLM ``deepseek_v2.py`` (``_skip_topk``). None where all of them do.
    """
    pattern = fields.get("index_topk_pattern")
    if isinstance(pattern, (str, list)) and pattern:
        return {layer for layer in range(count) if pattern[layer : layer + 1] not in ("S", ["S"])}
    every = fields.size("index_topk_freq", default=1, most=MOST_LAYERS)
    if every == 1:
        return None
    first = fields.amount("index_skip_topk_offset", default=2, most=MOST_LAYERS)
    return {layer for layer in range(count) if not max(layer - first + 1, 0) % every}


def _unindexed(mixer: Mixer | None) -> Mixer | None:
    if not isinstance(mixer, Latent):
        return mixer
    return structs.replace(mixer, index_heads=0, index_head=0)


def _named(fields: Fields) -> Sequence[str]:
    return (
        fields.texts("layer_types")
        or fields.texts("layers_block_type")
        or fields.text("hybrid_override_pattern")
    )


def _kind(name: str) -> Kind:
    if name not in _KINDS:
        raise Unreadable(f"layers of kind {name!r} are not known here")
    return _KINDS[name]


def _attention_layers(fields: Fields, count: int) -> set[int]:
    """Return the layers with attention of a model whose others keep a state."""
    if (every := fields.optional("full_attention_interval", most=MOST_LAYERS)) is not None:
        return set(range(every - 1, count, every))
    if (every := fields.optional("attn_layer_period", most=MOST_LAYERS)) is not None:
        first = fields.amount("attn_layer_offset", most=MOST_LAYERS)
        return set(range(first, count, every))
    linear = fields.part("linear_attn_config")
    if linear is not None:  # counted from 1
        return {layer - 1 for layer in linear.numbers("full_attn_layers")}
    return set(fields.numbers("attn_layer_indices"))


def _patterned(fields: Fields, traits: Traits, count: int) -> tuple[Kind, ...]:
    every = fields.amount("sliding_window_pattern", default=traits.pattern, most=MOST_LAYERS)
    whole: Kind = "full"
    local: Kind = "window"
    if fields.has("attention_chunk_size"):
        local = "chunk"
    elif not (fields.get("sliding_window") and fields.flag("use_sliding_window", default=True)):
        return (whole,) * count
    return tuple(whole if every and not (i + 1) % every else local for i in range(count))


def _mixer(fields: Fields, traits: Traits, kind: Kind) -> Mixer | None:
    if kind == "mlp" or kind == "moe":  # noqa: PLR1714  mypy narrows no membership
        return None
    if kind == "state":
        return _recurrent(fields, traits)
    if traits.mixer == "latent" or fields.has("kv_lora_rank"):
        return _latent(fields)
    return _attention(fields, traits, kind)


def _heads(fields: Fields) -> tuple[int, int]:
    heads = fields.size(*keys.HEADS)
    kv_heads = fields.size(*keys.KV_HEADS, default=heads)
    if heads % kv_heads:
        raise Unreadable(f"{heads} attention heads can't share {kv_heads} KV heads")
    return heads, kv_heads


def _head(fields: Fields, traits: Traits, heads: int) -> int:
    given = fields.optional(*keys.HEAD, most=MOST_HEAD)
    if given or traits.head:
        return given or traits.head
    hidden = fields.size(*keys.HIDDEN)
    if hidden % heads:
        raise Unreadable(f"hidden_size {hidden} can't be shared by {heads} heads")
    if hidden // heads > MOST_HEAD:
        raise Unreadable(f"{heads} heads of hidden_size {hidden}, which can't be")
    return hidden // heads


def _attention(fields: Fields, traits: Traits, kind: AttentionKind) -> Attention:
    heads, kv_heads = _heads(fields)
    head = _head(fields, traits, heads)
    if kind == "full":  # Gemma 4 has wider heads there, and fewer
        head = fields.size("global_head_dim", default=head, most=MOST_HEAD)
        kv_heads = fields.size("num_global_key_value_heads", default=kv_heads)
    biased = fields.flag("attention_bias", "use_qkv_bias", default=traits.qkv_bias)
    return Attention(
        heads=heads,
        kv_heads=kv_heads,
        head=head,
        head_v=fields.size("v_head_dim", default=head, most=MOST_HEAD),
        kind=kind,
        span=_span(fields, kind),
        qkv_bias=biased,
        out_bias=fields.flag("attention_out_bias", default=traits.out_bias),
        qk_norm=traits.qk_norm if fields.flag("use_qk_norm", default=True) else "",
        gated=fields.flag("attn_output_gate", default=traits.mixer == "delta"),
        shared_value=kind == "full" and fields.flag("attention_k_eq_v"),
    )


def _span(fields: Fields, kind: AttentionKind) -> int:
    names = {"window": "sliding_window", "chunk": "attention_chunk_size"}
    return fields.size(names[kind], most=MOST_TOKENS) if kind in names else 0


def _latent(fields: Fields) -> Latent:
    heads, _ = _heads(fields)
    return Latent(
        heads=heads,
        q_rank=fields.amount("q_lora_rank"),
        kv_rank=fields.size("kv_lora_rank"),
        nope=fields.size("qk_nope_head_dim", most=MOST_HEAD),
        rope=fields.size("qk_rope_head_dim", most=MOST_HEAD),
        value=fields.size("v_head_dim", most=MOST_HEAD),
        index_heads=fields.amount("index_n_heads"),
        index_head=fields.amount("index_head_dim", most=MOST_HEAD),
    )


def _recurrent(fields: Fields, traits: Traits) -> Recurrent:
    dtype = fields.text("mamba_ssm_dtype", "mamba_ssm_cache_dtype", default=traits.state_dtype)
    if traits.mixer == "delta":
        return _delta(fields, dtype)
    if traits.mixer == "kda":
        return _kda(fields)
    return _mamba1(fields, dtype) if traits.mixer == "mamba1" else _mamba2(fields, dtype)


def _delta(fields: Fields, dtype: str) -> Recurrent:
    return Recurrent(
        kind="delta",
        heads=fields.size("linear_num_value_heads"),
        head=fields.size("linear_value_head_dim", most=MOST_HEAD),
        groups=fields.size("linear_num_key_heads"),
        state=fields.size("linear_key_head_dim", most=MOST_HEAD),
        kernel=fields.size("linear_conv_kernel_dim", most=1024),
        dtype=dtype,
    )


def _kda(fields: Fields) -> Recurrent:
    part = fields.part("linear_attn_config")
    if part is None:
        raise Unreadable("linear_attn_config is missing")
    heads = part.size("num_heads")
    head = part.size("head_dim", most=MOST_HEAD)
    kernel = part.size("short_conv_kernel_size", default=4, most=1024)
    return Recurrent(
        kind="kda",
        heads=heads,
        head=head,
        groups=heads,
        state=head,
        kernel=kernel,
        dtype="float32",
    )


def _mamba1(fields: Fields, dtype: str) -> Recurrent:
    hidden = fields.size("hidden_size")
    expand = fields.size("mamba_expand", "expand", default=2, most=64)
    return Recurrent(
        kind="mamba1",
        heads=fields.size("intermediate_size", default=expand * hidden)
        if not fields.has("mamba_expand")
        else expand * hidden,
        head=1,
        groups=0,
        state=fields.size("mamba_d_state", "state_size", default=16, most=MOST_HEAD),
        kernel=fields.size("mamba_d_conv", "conv_kernel", default=4, most=1024),
        rank=fields.size("mamba_dt_rank", "time_step_rank", default=-(-hidden // 16)),
        dtype=dtype,
    )


def _mamba2(fields: Fields, dtype: str) -> Recurrent:
    heads = fields.size("mamba_num_heads", "mamba_n_heads")
    default = fields.size("mamba_expand", default=2, most=64) * fields.size("hidden_size") // heads
    head = fields.get("mamba_head_dim", "mamba_d_head")
    return Recurrent(
        kind="mamba2",
        heads=heads,
        head=default
        if head in (None, "auto")
        else fields.size("mamba_head_dim", "mamba_d_head", most=MOST_HEAD),
        groups=fields.size("n_groups", "mamba_n_groups", default=1),
        state=fields.size("ssm_state_size", "mamba_d_state", most=MOST_HEAD),
        kernel=fields.size("conv_kernel", "mamba_d_conv", default=4, most=1024),
        dtype=dtype,
    )
