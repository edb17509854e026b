"""Which MLP each layer of a config has: dense, or experts."""

from __future__ import annotations

from collections.abc import Sequence

from aim_jupyter.core.checkpoint import keys
from aim_jupyter.core.checkpoint.families import Traits
from aim_jupyter.core.checkpoint.fields import Fields, Unreadable
from aim_jupyter.core.checkpoint.layers import Dense, Experts, Mlp
from aim_jupyter.core.checkpoint.mixers import Kind


def mlps(fields: Fields, traits: Traits, layer_kinds: Sequence[Kind]) -> list[Mlp | None]:
    """Return the MLP of each layer; equal ones are the same object."""
    count = len(layer_kinds)
    dense = _dense(fields, traits)
    experts = _experts(fields, traits, dense)
    sparse = _sparse(fields, count) if experts else set()
    if {"mlp", "moe"} & set(layer_kinds):  # the MLPs are layers of their own
        alone: dict[Kind, Mlp | None] = {"mlp": dense, "moe": experts}
        return [alone.get(kind) for kind in layer_kinds]
    return [experts if layer in sparse else dense for layer in range(count)]


def _dense(fields: Fields, traits: Traits) -> Dense | None:
    if traits.mixer == "mamba1" and not fields.has("num_attention_heads"):
        return None
    hidden = fields.size(*keys.HIDDEN)
    wide = fields.amount("shared_intermediate_size")
    names = ("intermediate_size_mlp", "intermediate_size", "ffn_dim", "n_inner")
    size = wide or fields.amount(*names, default=4 * hidden if traits.positions else 0)
    if not size and not fields.has(*keys.EXPERTS):
        raise Unreadable("intermediate_size is missing")
    return Dense(size=size, gated=traits.gated, bias=_biased(fields, traits)) if size else None


def _experts(fields: Fields, traits: Traits, dense: Dense | None) -> Experts | None:
    count = fields.amount(*keys.EXPERTS, most=2**16)
    if not count or (count == 1 and not fields.has("moe_intermediate_size")):
        return None
    per_token = fields.size(*keys.PER_TOKEN)
    if per_token > count:
        raise Unreadable(f"{per_token} experts per token of {count}")
    size = fields.size(*keys.EXPERT_SIZE)
    return Experts(
        count=count,
        per_token=per_token,
        size=size,
        shared_size=_shared(fields, traits, size),
        latent=fields.amount("moe_latent_size"),
        dense_size=dense.size if dense and traits.mlp_beside_experts else 0,
        gated=traits.gated,
        bias=_biased(fields, traits),
    )


def _shared(fields: Fields, traits: Traits, size: int) -> int:
    count = fields.amount(*keys.SHARED, default=traits.shared)
    own = fields.amount("moe_shared_expert_intermediate_size", default=size)
    whole = fields.amount("shared_expert_intermediate_size", "shared_intermediate_size")
    return whole or count * own


def _biased(fields: Fields, traits: Traits) -> bool:
    return fields.flag("mlp_bias", default=traits.mlp_bias)


def _sparse(fields: Fields, count: int) -> set[int]:
    """Return the layers that have experts, by whichever rule the config states."""
    if fields.has("moe_layers"):
        return set(fields.numbers("moe_layers"))
    if (every := fields.optional("interleave_moe_layer_step")) is not None:
        return {layer for layer in range(count) if not (layer + 1) % every}
    if (every := fields.optional("expert_layer_period")) is not None:
        first = fields.amount("expert_layer_offset")
        return {layer for layer in range(count) if layer % every == first}
    dense = set(range(fields.amount("first_k_dense_replace", "num_dense_layers")))
    dense |= set(fields.numbers("mlp_only_layers"))
    if isinstance(fields.get("moe_layer_freq"), list):
        return {layer for layer, moe in enumerate(fields.numbers("moe_layer_freq")) if moe}
    every = fields.size("decoder_sparse_step", default=1)
    period = fields.size("moe_layer_freq", default=1)
    return {
        layer
        for layer in range(count)
        if layer not in dense and not (layer + 1) % every and not layer % period
    }
