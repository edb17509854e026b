"""The matrices of each layer, and which side of them tensor parallelism splits.

Named as in checkpoints, shaped as in the model code of vLLM 0.32
(``model_executor/models/``: llama.py, deepseek_v2.py, qwen3_next.py, jamba.py, nemotron_h.py).
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct, structs

from aim_jupyter.core.checkpoint.layers import Attention, Dense, Experts, Latent, Layer, Recurrent

Split = Literal["rows", "columns", "kv", "none"]


class Matrix(Struct, frozen=True):
    """`copies` matrices of `rows` outputs x `columns` inputs.

    Attributes
    ----------
    split : str
        The side that the ranks share; ``kv`` is rows that are repeated where there are more ranks
        than KV heads; ``none`` stands whole on each rank.
    heads : int
        KV heads, for ``kv``.
    """

    module: str
    rows: int
    columns: int
    split: Split
    copies: int = 1
    bias: bool = False
    heads: int = 0

    @property
    def elements(self) -> int:
        """Parameters, with those of the bias."""
        return self.copies * self.rows * (self.columns + self.bias)

    def on_rank(self, tp: int) -> Matrix:
        """Return what one of `tp` ranks holds of it."""
        if self.split == "rows":
            return structs.replace(self, rows=-(-self.rows // tp))
        if self.split == "columns":
            return structs.replace(self, columns=-(-self.columns // tp))
        if self.split == "kv":
            rows = self.rows // self.heads * max(1, self.heads // tp)
            return structs.replace(self, rows=rows)
        return self


@functools.lru_cache(maxsize=1024)
def matrices(layer: Layer, hidden: int) -> tuple[Matrix, ...]:
    """Return the matrices of `layer`, and its two norms as one of a single row."""
    norms = Matrix("norm", 2, hidden, "none")
    return (*_mixer(layer, hidden), *_mlp(layer, hidden), norms)


def parameters(layer: Layer, hidden: int) -> int:
    """Return the number of parameters of `layer`."""
    return sum(matrix.elements for matrix in matrices(layer, hidden))


def _mixer(layer: Layer, hidden: int) -> Iterator[Matrix]:
    match layer.mixer:
        case Attention() as mixer:
            yield from _attention(mixer, hidden)
        case Latent() as mixer:
            yield from _latent(mixer, hidden)
        case Recurrent(kind="mamba1") as mixer:
            yield from _mamba1(mixer, hidden)
        case Recurrent(kind="kda") as mixer:
            yield from _kda(mixer, hidden)
        case Recurrent() as mixer:
            yield from _recurrent(mixer, hidden)


def _attention(mixer: Attention, hidden: int) -> Iterator[Matrix]:
    wide = mixer.heads * mixer.head
    biased, kv = mixer.qkv_bias, mixer.kv_heads
    yield Matrix("self_attn.q_proj", wide * (1 + mixer.gated), hidden, "rows", bias=biased)
    yield Matrix("self_attn.k_proj", kv * mixer.head, hidden, "kv", bias=biased, heads=kv)
    if not mixer.shared_value:
        yield Matrix("self_attn.v_proj", kv * mixer.head_v, hidden, "kv", bias=biased, heads=kv)
    out = mixer.heads * mixer.head_v
    yield Matrix("self_attn.o_proj", hidden, out, "columns", bias=mixer.out_bias)
    if mixer.qk_norm:
        both = 2 * mixer.head if mixer.qk_norm == "head" else wide + kv * mixer.head
        yield Matrix("self_attn.norm", 1, both, "none")


def _latent(mixer: Latent, hidden: int) -> Iterator[Matrix]:
    queries = mixer.heads * (mixer.nope + mixer.rope)
    if mixer.q_rank:
        yield Matrix("self_attn.q_a_proj", mixer.q_rank, hidden, "none")
        yield Matrix("self_attn.q_b_proj", queries, mixer.q_rank, "rows")
    else:
        yield Matrix("self_attn.q_proj", queries, hidden, "rows")
    yield Matrix("self_attn.kv_a_proj", mixer.kv_rank + mixer.rope, hidden, "none")
    both = mixer.heads * (mixer.nope + mixer.value)
    yield Matrix("self_attn.kv_b_proj", both, mixer.kv_rank, "rows")
    yield Matrix("self_attn.o_proj", hidden, mixer.heads * mixer.value, "columns")
    if mixer.index_heads:
        wide = mixer.index_heads * mixer.index_head
        yield Matrix("self_attn.indexer.wq_b", wide, mixer.q_rank or hidden, "none")
        yield Matrix("self_attn.indexer.wk", mixer.index_head + mixer.index_heads, hidden, "none")


def _recurrent(mixer: Recurrent, hidden: int) -> Iterator[Matrix]:
    shared = 2 * mixer.groups * mixer.state
    steps = mixer.heads * (2 if mixer.kind == "delta" else 1)
    if mixer.kind == "delta":
        yield Matrix("linear_attn.in_proj_qkv", shared + mixer.inner, hidden, "rows")
        yield Matrix("linear_attn.in_proj_z", mixer.inner, hidden, "rows")
    else:
        yield Matrix("linear_attn.in_proj", shared + 2 * mixer.inner, hidden, "rows")
    yield Matrix("linear_attn.steps", steps, hidden, "rows")
    yield Matrix("linear_attn.conv1d", mixer.channels, mixer.kernel, "rows")
    yield Matrix("linear_attn.norm", 1, 3 * mixer.heads + mixer.inner, "columns")
    yield Matrix("linear_attn.out_proj", hidden, mixer.inner, "columns")


def _mamba1(mixer: Recurrent, hidden: int) -> Iterator[Matrix]:
    yield Matrix("mamba.in_proj", 2 * mixer.inner, hidden, "rows")
    yield Matrix("mamba.conv1d", mixer.inner, mixer.kernel, "rows", bias=True)
    yield Matrix("mamba.x_proj", mixer.rank + 2 * mixer.state, mixer.inner, "columns")
    yield Matrix("mamba.dt_proj", mixer.inner, mixer.rank, "rows", bias=True)
    yield Matrix("mamba.A_log", mixer.inner, mixer.state, "rows", bias=True)
    yield Matrix("mamba.out_proj", hidden, mixer.inner, "columns")


def _kda(mixer: Recurrent, hidden: int) -> Iterator[Matrix]:
    for name in ("q_proj", "k_proj", "v_proj"):
        yield Matrix(f"linear_attn.{name}", mixer.inner, hidden, "rows")
    for name in ("f", "g"):
        yield Matrix(f"linear_attn.{name}_a_proj", mixer.head, hidden, "none")
        yield Matrix(f"linear_attn.{name}_b_proj", mixer.inner, mixer.head, "rows")
    yield Matrix("linear_attn.b_proj", mixer.heads, hidden, "rows")
    yield Matrix("linear_attn.conv1d", mixer.channels, mixer.kernel, "rows")
    yield Matrix("linear_attn.o_proj", hidden, mixer.inner, "columns")


def _mlp(layer: Layer, hidden: int) -> Iterator[Matrix]:
    match layer.mlp:
        case Dense() as mlp:
            yield from _dense("mlp", mlp, hidden)
        case Experts() as mlp:
            yield from _experts(mlp, hidden)


def _experts(mlp: Experts, hidden: int) -> Iterator[Matrix]:
    yield Matrix("mlp.gate", mlp.count, hidden, "none", bias=mlp.bias)
    one = Dense(size=mlp.size, gated=mlp.gated, bias=mlp.bias)
    if mlp.latent:
        yield Matrix("mlp.fc1_latent_proj", mlp.latent, hidden, "none")
        yield Matrix("mlp.fc2_latent_proj", hidden, mlp.latent, "none")
    yield from _dense("mlp.experts.0", one, mlp.latent or hidden, mlp.count)
    if mlp.shared_size:
        shared = Dense(size=mlp.shared_size, gated=mlp.gated)
        yield from _dense("mlp.shared_experts", shared, hidden)
    if mlp.dense_size:
        beside = Dense(size=mlp.dense_size, gated=mlp.gated, bias=mlp.bias)
        yield from _dense("mlp", beside, hidden)


def _dense(module: str, mlp: Dense, hidden: int, copies: int = 1) -> Iterator[Matrix]:
    for name in ("gate_proj", "up_proj") if mlp.gated else ("up_proj",):
        yield Matrix(f"{module}.{name}", mlp.size, hidden, "rows", copies, mlp.bias)
    yield Matrix(f"{module}.down_proj", hidden, mlp.size, "columns", copies, mlp.bias)
