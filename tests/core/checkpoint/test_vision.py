"""Parameters of the vision tower of a multimodal model."""

from __future__ import annotations

import pytest

from aim_jupyter.core.checkpoint.fields import Fields, Unreadable
from aim_jupyter.core.checkpoint.vision import tower_of


def vision_parameters(fields: Fields, text_hidden: int) -> int:
    """Return all of a tower's parameters."""
    found = tower_of(fields, text_hidden)
    return found.shared + found.whole


BASE = {"hidden_size": 8, "num_hidden_layers": 2, "intermediate_size": 16, "patch_size": 2}


def test_blocks_patches_and_bridge_are_counted() -> None:
    blocks = 2 * (4 * 8 * 8 + 2 * 8 * 16)
    patches = 3 * 2 * 2 * 8
    bridge = 8 * (8 + 32)
    assert vision_parameters(Fields(BASE), 32) == blocks + patches + bridge


def test_merged_patches_make_the_bridge_wider() -> None:
    plain = vision_parameters(Fields(BASE), 32)
    merged = vision_parameters(Fields({**BASE, "spatial_merge_size": 2}), 32)
    assert merged - plain == 32 * (32 + 32) - 8 * (8 + 32)
    odd = vision_parameters(Fields({**BASE, "merge_kernel_size": [2, 2]}), 32)
    assert odd == merged


def test_a_gated_tower_has_a_third_matrix() -> None:
    gated = vision_parameters(Fields({**BASE, "model_type": "qwen2_5_vl"}), 32)
    assert gated - vision_parameters(Fields(BASE), 32) == 2 * 8 * 16


def test_a_tower_that_says_nothing_is_nothing_and_one_that_lies_is_refused() -> None:
    assert vision_parameters(Fields({}), 32) == 0
    with pytest.raises(Unreadable):
        vision_parameters(Fields({**BASE, "patch_size": 10_000}), 32)


def test_patches_and_positions_stand_whole_on_each_gpu() -> None:
    seen = tower_of(Fields({**BASE, "image_size": 8}), 32)
    assert seen.whole == 3 * 2 * 2 * 8 + (8 // 2) ** 2 * 8
    alone = tower_of(Fields({**BASE, "model_type": "gemma4_vision"}), 32)
    assert (alone.shared, alone.rows) == (0, 0)


def test_what_each_gpu_holds_of_a_bridge() -> None:
    merging = {**BASE, "model_type": "pixtral", "spatial_merge_size": 2}
    seen, plain = tower_of(Fields(merging), 32), tower_of(Fields(BASE), 32)
    # Four patches become one of the tower's width, then of the language model's.
    assert seen.whole - plain.whole == 4 * 8 * 8
    assert seen.shared - plain.shared == 2 * 8 * 16 + 32 * (8 + 32) - 8 * (8 + 32)
    moon = tower_of(Fields({**BASE, "model_type": "moonvit"}), 32)
    assert moon.whole - plain.whole == plain.shared - moon.shared == 8 * (8 + 32)
