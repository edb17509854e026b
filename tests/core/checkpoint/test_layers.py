"""What a model is built of."""

from __future__ import annotations

from aim_jupyter.core.checkpoint.layers import Attention, Dense, Layer, Recurrent


def test_a_state_has_an_output_and_channels_of_its_convolution() -> None:
    mixer = Recurrent(kind="mamba2", heads=4, head=8, groups=2, state=16, kernel=4)
    assert mixer.inner == 4 * 8
    assert mixer.channels == 2 * 2 * 16 + 32


def test_equal_layers_are_counted_as_one() -> None:
    def layer(heads: int) -> Layer:
        return Layer(Attention(heads=heads, kv_heads=1, head=2, head_v=2), Dense(size=3))

    assert len({layer(4), layer(4), layer(8)}) == 2
