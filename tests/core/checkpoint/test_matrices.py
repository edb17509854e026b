"""The matrices of each layer, and which side of them is split."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core.checkpoint.layers import Attention, Dense, Experts, Latent, Layer, Recurrent
from aim_jupyter.core.checkpoint.matrices import Matrix, matrices, parameters

ATTENTION = Attention(heads=8, kv_heads=2, head=16, head_v=16)


def test_a_plain_layer_has_the_parameters_that_a_hand_counts() -> None:
    hidden, size = 128, 256
    own = 8 * 16 * hidden + 2 * (2 * 16 * hidden) + hidden * 8 * 16  # q, k and v, o
    mlp = 3 * hidden * size
    assert parameters(Layer(ATTENTION, Dense(size=size)), hidden) == own + mlp + 2 * hidden


def test_experts_are_copies_and_what_they_share_stands_beside() -> None:
    experts = Experts(count=4, per_token=2, size=32, shared_size=64)
    found = {each.module: each for each in matrices(Layer(None, experts), 128)}
    assert found["mlp.experts.0.up_proj"].copies == 4
    assert found["mlp.gate"].rows == 4
    assert found["mlp.shared_experts.up_proj"].rows == 64
    assert parameters(Layer(None, experts), 128) == (
        4 * 128 + 4 * 3 * 32 * 128 + 3 * 64 * 128 + 2 * 128
    )


@pytest.mark.parametrize(
    "mixer",
    [
        ATTENTION,
        Latent(heads=8, q_rank=64, kv_rank=32, nope=16, rope=8, value=16),
        *(
            Recurrent(kind=kind, heads=8, head=4, groups=8, state=16, kernel=4, rank=8)
            for kind in ("delta", "kda", "mamba1", "mamba2")
        ),
    ],
)
def test_ranks_together_hold_at_least_the_whole(mixer: Attention | Latent | Recurrent) -> None:
    for matrix in matrices(Layer(mixer, Dense(size=64)), 128):
        for tp in (1, 2, 4):
            share = matrix.on_rank(tp)
            assert share.elements <= matrix.elements
            assert share.elements * tp >= matrix.elements - matrix.copies * matrix.rows * tp
        assert matrix.on_rank(1).elements == matrix.elements


@given(st.integers(1, 64), st.integers(0, 3))
def test_kv_heads_are_repeated_where_there_are_more_ranks(heads: int, power: int) -> None:
    tp = 1 << power
    matrix = Matrix("k", heads * 16, 8, "kv", heads=heads)
    assert matrix.on_rank(tp).rows == 16 * max(1, heads // tp)
