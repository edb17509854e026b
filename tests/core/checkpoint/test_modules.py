"""Whether a name in a quantization_config means a matrix."""

from __future__ import annotations

import pytest

from aim_jupyter.core.checkpoint.fields import Unreadable
from aim_jupyter.core.checkpoint.modules import How, Names, spelled

UP = "model.layers.3.mlp.up_proj"
EXPERT = "model.layers.3.mlp.experts.0.up_proj"


@pytest.mark.parametrize(
    ("how", "name", "means"),
    [
        ("all", "", True),
        ("exact", UP, True),
        ("exact", "model.layers.3.mlp.gate_up_proj", True),  # what the engine fuses
        ("exact", "model.layers.4.mlp.up_proj", False),
        ("suffix", "mlp.up_proj", True),
        ("suffix", "up_proj", True),
        ("suffix", "p_proj", False),
        ("part", "mlp", True),
        ("tree", "layers.3", True),
        ("tree", "layers.3x", False),
        ("target", "re:.*mlp.*", True),
        ("target", "Linear", True),
        ("target", "re:.*self_attn.*", False),
        ("wildcard", "model.layers.3.*", True),
        ("modelopt", "*mlp*", True),
        ("regex", r"model\.layers\.3\.", True),
        ("regex", r"self_attn", False),
    ],
)
def test_each_method_compares_in_its_own_way(how: How, name: str, *, means: bool) -> None:
    assert Names(how, (name,)).mean(spelled(UP)) is means


def test_all_experts_of_a_layer_are_meant_at_once() -> None:
    found = spelled(EXPERT)
    assert Names("wildcard", ("model.layers.3.mlp.experts.*",)).mean(found)
    assert Names("exact", ("model.layers.3.mlp.experts",)).mean(found)
    assert not Names("exact", ("model.layers.2.mlp.experts",)).mean(found)


def test_a_matrix_has_the_names_that_checkpoints_give_it() -> None:
    found = spelled(UP, (("mlp.", "feed_forward."),))
    assert "language_model.model.layers.3.feed_forward.up_proj" in found.names
    assert spelled("lm_head").names == ("lm_head", "language_model.lm_head")


def test_a_layer_that_nothing_names_is_like_the_others() -> None:
    named = Names("exact", (UP,))
    assert named.numbered(3)
    assert not named.numbered(5)
    assert Names("regex", (r"layers\.\d+",)).numbered(5)


def test_a_pattern_that_is_none_is_told() -> None:
    with pytest.raises(Unreadable, match="bad pattern"):
        Names("regex", ("(",)).mean(spelled(UP))
