"""How each layer of a config reads the sequence."""

from __future__ import annotations

from typing import Any

import pytest

from aim_jupyter.core.checkpoint.families import Traits
from aim_jupyter.core.checkpoint.fields import Fields, Unreadable
from aim_jupyter.core.checkpoint.layers import Attention, Latent, Recurrent
from aim_jupyter.core.checkpoint.mixers import kinds, mixers

PLAIN = Traits(architectures=())
BASE = {"num_hidden_layers": 4, "hidden_size": 64, "num_attention_heads": 4}


def of(config: dict[str, Any], traits: Traits = PLAIN) -> tuple[str, ...]:
    return kinds(Fields({**BASE, **config}), traits)


@pytest.mark.parametrize(
    ("config", "found"),
    [
        ({}, "full full full full"),
        ({"layer_types": ["full_attention", "sliding_attention"] * 2}, "full window full window"),
        ({"hybrid_override_pattern": "M*-E"}, "state full mlp moe"),
        ({"sliding_window": 8, "sliding_window_pattern": 2}, "window full window full"),
        ({"sliding_window": 8, "use_sliding_window": False}, "full full full full"),
    ],
)
def test_the_kind_of_each_layer(config: dict[str, Any], found: str) -> None:
    assert of(config) == tuple(found.split())


def test_states_with_attention_now_and_then() -> None:
    delta = Traits(architectures=(), mixer="delta")
    assert of({"full_attention_interval": 2}, delta) == ("state", "full", "state", "full")
    assert of({"attn_layer_indices": [0]}, delta) == ("full", "state", "state", "state")


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({"layer_types": ["full_attention"]}, "but 1 kinds are listed"),
        ({"layer_types": ["odd"] * 4}, "'odd' are not known here"),
        ({"num_hidden_layers": 5000}, "can't be"),
    ],
)
def test_what_can_not_be_says_so(config: dict[str, Any], said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        of(config)


def one(config: dict[str, Any], kind: Any = "full", traits: Traits = PLAIN) -> Any:
    (found,) = mixers(Fields({**BASE, **config}), traits, [kind])
    return found


def test_heads_share_the_width_and_one_another() -> None:
    assert one({}) == Attention(heads=4, kv_heads=4, head=16, head_v=16)
    assert one({"num_key_value_heads": 2, "head_dim": 32}).kv_heads == 2
    assert one({"sliding_window": 128}, "window").span == 128
    for wrong in ({"num_key_value_heads": 3}, {"hidden_size": 66}):
        with pytest.raises(Unreadable, match="can't"):
            one(wrong)


def test_latent_attention_and_states_are_told_by_their_own_keys() -> None:
    latent = {
        "kv_lora_rank": 32, "qk_nope_head_dim": 16, "qk_rope_head_dim": 8, "v_head_dim": 16,
    }  # fmt: skip
    assert isinstance(one(latent), Latent)
    mamba = Traits(architectures=(), mixer="mamba2")
    state = one({"mamba_num_heads": 8, "ssm_state_size": 16}, "state", mamba)
    assert isinstance(state, Recurrent)
    assert (state.heads, state.head, state.kernel) == (8, 16, 4)
    assert one({}, "mlp") is None
