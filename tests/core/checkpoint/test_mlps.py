"""Which MLP each layer of a config has."""

from __future__ import annotations

from typing import Any

import pytest

from aim_jupyter.core.checkpoint.families import Traits
from aim_jupyter.core.checkpoint.fields import Fields, Unreadable
from aim_jupyter.core.checkpoint.layers import Dense, Experts
from aim_jupyter.core.checkpoint.mlps import mlps

PLAIN = Traits(architectures=())
MOE = {"num_experts": 8, "num_experts_per_tok": 2, "moe_intermediate_size": 32}


def of(config: dict[str, Any], kinds: Any = ("full",) * 4) -> list[Any]:
    return mlps(Fields({"hidden_size": 64, "intermediate_size": 128, **config}), PLAIN, kinds)


def sparse(config: dict[str, Any]) -> list[int]:
    return [at for at, each in enumerate(of({**MOE, **config})) if isinstance(each, Experts)]


def test_without_experts_all_are_dense() -> None:
    assert of({}) == [Dense(size=128)] * 4
    assert of({"num_experts": 1, "num_experts_per_tok": 1}) == [Dense(size=128)] * 4


@pytest.mark.parametrize(
    ("config", "layers"),
    [
        ({}, [0, 1, 2, 3]),
        ({"first_k_dense_replace": 2}, [2, 3]),
        ({"mlp_only_layers": [1]}, [0, 2, 3]),
        ({"decoder_sparse_step": 2}, [1, 3]),
        ({"moe_layers": [3]}, [3]),
        ({"interleave_moe_layer_step": 2}, [1, 3]),
        ({"expert_layer_period": 2, "expert_layer_offset": 1}, [1, 3]),
        ({"moe_layer_freq": [0, 1, 1, 0]}, [1, 2]),
    ],
)
def test_which_layers_have_experts_is_said_in_many_ways(
    config: dict[str, Any], layers: list[int]
) -> None:
    assert sparse(config) == layers


def test_mlps_may_be_layers_of_their_own() -> None:
    found = of(MOE, ("full", "mlp", "moe"))
    assert [type(each) for each in found] == [type(None), Dense, Experts]


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ({**MOE, "num_experts_per_tok": 9}, "9 experts per token of 8"),
        ({"intermediate_size": None}, "intermediate_size is missing"),
    ],
)
def test_what_can_not_be_says_so(config: dict[str, Any], said: str) -> None:
    with pytest.raises(Unreadable, match=said):
        of(config)
