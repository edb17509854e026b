"""vLLM's own configuration of a launch, as it is told on."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from aim_jupyter.core.adapters.vllm.oracle import configured


def decided(**text: Any) -> Any:
    model = SimpleNamespace(
        architecture="LlamaForCausalLM", quantization=None, dtype="torch.bfloat16",
        max_model_len=4096, is_multimodal_model=0, hf_text_config=SimpleNamespace(**text),
    )  # fmt: skip
    scheduler = SimpleNamespace(max_num_seqs=256, max_num_batched_tokens=8192)
    cache = SimpleNamespace(cache_dtype="auto", enable_prefix_caching=None)
    return SimpleNamespace(model_config=model, scheduler_config=scheduler, cache_config=cache)


def test_what_the_engine_decided_is_plain_data() -> None:
    found = configured.about(decided(hidden_size=64, vocab_size=100, num_hidden_layers=2))
    assert (found["dtype"], found["max_model_len"], found["layers"]) == ("bfloat16", 4096, 2)
    assert found["prefix_caching"] is False
    assert found["multimodal"] is False
    assert {type(value) for value in found.values()} <= {str, int, bool, type(None)}


def test_a_config_that_says_less_has_zeros() -> None:
    found = configured.about(decided(hidden_size=None))
    assert (found["hidden"], found["vocabulary"], found["layers"]) == (0, 0, 0)


def test_a_refusal_is_one_of_the_engines() -> None:
    with pytest.raises(ValueError, match="invalid option"):
        configured._refuse("invalid option")
