"""What a model is built of: layers, each of a mixer that reads the sequence and an MLP."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

AttentionKind = Literal["full", "window", "chunk"]


class Attention(Struct, frozen=True, kw_only=True, cache_hash=True):
    """Attention with its own keys and values for each of `kv_heads`.

    Attributes
    ----------
    kind : str
        Whether it sees everything, the last `span` tokens, or its own chunk of `span` tokens.
    head, head_v : int
        Elements of a key and of a value.
    gated : bool
        Whether the query projection holds an output gate of the same size.
    shared_value : bool
        Whether the keys serve as values: no matrix for values, but a cache for them.
    """

    heads: int
    kv_heads: int
    head: int
    head_v: int
    kind: AttentionKind = "full"
    span: int = 0
    qkv_bias: bool = False
    out_bias: bool = False
    qk_norm: str = ""
    gated: bool = False
    shared_value: bool = False


class Latent(Struct, frozen=True, kw_only=True, cache_hash=True):
    """Multi-head latent attention: one vector of `kv_rank` + `rope` elements for all heads.

    Attributes
    ----------
    q_rank : int
        0 where queries are not compressed.
    nope, rope, value : int
        Elements of one head without and with rotary embedding, and of a value.
    index_heads, index_head : int
        Of the indexer of sparse attention, 0 without one.
    """

    heads: int
    q_rank: int
    kv_rank: int
    nope: int
    rope: int
    value: int
    index_heads: int = 0
    index_head: int = 0


class Recurrent(Struct, frozen=True, kw_only=True, cache_hash=True):
    """A layer that keeps a state of fixed size instead of a cache.

    One description serves four kinds: a state of ``heads x head x state`` elements, and a short
    convolution over ``2 x groups x state + heads x head`` channels. Mamba 1 has heads of one
    element and no groups.

    Attributes
    ----------
    rank : int
        Of the projection to time steps (Mamba 1), 0 otherwise.
    dtype : str
        Of the state; ``auto`` is the model's.
    """

    kind: Literal["delta", "kda", "mamba1", "mamba2"]
    heads: int
    head: int
    groups: int
    state: int
    kernel: int
    rank: int = 0
    dtype: str = "auto"

    @property
    def inner(self) -> int:
        """Elements of the output, before its projection."""
        return self.heads * self.head

    @property
    def channels(self) -> int:
        """Channels of the convolution."""
        return 2 * self.groups * self.state + self.inner


class Dense(Struct, frozen=True, kw_only=True, cache_hash=True):
    """An MLP of `size` hidden elements."""

    size: int
    gated: bool = True
    bias: bool = False


class Experts(Struct, frozen=True, kw_only=True, cache_hash=True):
    """A mixture of experts.

    Attributes
    ----------
    size, shared_size, dense_size : int
        Hidden elements of one routed expert, of all shared ones together, and of a dense MLP
        beside them; 0 where there is none.
    latent : int
        Width that routed experts work in, 0 for the model's.
    """

    count: int
    per_token: int
    size: int
    shared_size: int = 0
    dense_size: int = 0
    latent: int = 0
    gated: bool = True
    bias: bool = False


Mixer = Attention | Latent | Recurrent
Mlp = Dense | Experts


class Layer(Struct, frozen=True, cache_hash=True):
    """One layer; some models have layers of only one of the two."""

    mixer: Mixer | None
    mlp: Mlp | None
