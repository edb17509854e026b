"""How long a request may be, as vLLM 0.32's ModelConfig answered for the same configs."""

import json
from typing import Any

import pytest

from aim_jupyter.core.checkpoint.architecture import architecture
from aim_jupyter.core.checkpoint.context import longest
from aim_jupyter.core.checkpoint.overrides import overridden

YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}


@pytest.mark.parametrize(
    ("config", "limit"),
    [
        ({"max_position_embeddings": 40960}, 40960),
        ({"max_position_embeddings": 40960, "rope_scaling": YARN}, 40960),
        ({"max_position_embeddings": 4096, "rope_scaling": {"type": "linear", "factor": 4}}, 16384),
        ({"max_position_embeddings": 4096, "rope_scaling": {"type": "linear", "factor": None}},
         4096),
        ({"max_position_embeddings": 4096, "rope_scaling": {"type": "linear", "factor": "8"}},
         None),
        ({"max_position_embeddings": 4096, "rope_scaling": {"type": "linear"}}, None),
        ({"max_position_embeddings": 131072, "rope_scaling": {"rope_type": "llama3", "factor": 8}},
         131072),
        ({"max_position_embeddings": 4096, "rope_parameters": {
            "full_attention": {"rope_type": "linear", "factor": 2.0},
            "sliding_attention": {"rope_type": "default"}}}, 8192),
        ({"max_position_embeddings": 8192, "model_max_length": 131072}, 131072),
        ({"max_position_embeddings": 8192, "seq_length": 2048}, 2048),
        ({"text_config": {"max_position_embeddings": 512}}, 512),
        ({}, None),
    ],
)  # fmt: skip
def test_the_engines_limit(config: dict[str, Any], limit: int | None) -> None:
    assert longest(config) == limit


def test_a_rope_that_the_engine_ends_on_is_a_reason() -> None:
    text = {"model_type": "qwen3", "rope_scaling": {"rope_type": "linear", "factor": "8.0"}}
    assert "no number" in architecture(text).problem
    without = {"model_type": "qwen3", "rope_scaling": {"rope_type": "linear"}}
    assert "without a factor" in architecture(without).problem


def test_overrides_count() -> None:
    both = {"rope_parameters": YARN, "max_position_embeddings": 131072}
    assert longest(overridden({"max_position_embeddings": 40960}, json.dumps(both))) == 131072
    assert longest(overridden({"max_position_embeddings": 40960}, "no JSON")) == 40960
