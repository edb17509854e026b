"""The sum of the fit alone, for a question that no launch could ask."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aim_jupyter.core.errors import AimError
from aim_jupyter.testing.sums import answer, answers

LLAMA = {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": 4096,
    "intermediate_size": 14336, "num_hidden_layers": 32, "num_attention_heads": 32,
    "num_key_value_heads": 8, "vocab_size": 128256, "max_position_embeddings": 8192,
    "torch_dtype": "bfloat16",
}  # fmt: skip


def test_a_model_of_8_billion_fits_one_large_gpu_and_not_a_small_one() -> None:
    large = answer({"config": LLAMA, "machine": "mi300x:1"})
    assert large["verdict"] == "FITS"
    small = answer({"config": LLAMA, "machine": {"model": "x", "total_gib": 8}})
    assert small["verdict"] == "NO"


def test_measured_weights_and_room_take_the_place_of_what_is_computed() -> None:
    given = answer({"config": LLAMA, "machine": "mi300x:1", "weights_gib": 300.0})
    assert given["verdict"] == "NO"
    room = answer({"config": LLAMA, "available_kv_gib": 1.5, "max_model_len": 8192})
    assert room["verdict"] in ("FITS", "TIGHT")
    assert (
        answer({"config": LLAMA, "available_kv_gib": 0.5, "max_model_len": 8192})["verdict"] == "NO"
    )


def test_the_longest_context_is_found_where_it_is_asked_for() -> None:
    found = answer({"config": LLAMA, "available_kv_gib": 0.5, "max_model_len": "auto"})
    assert found["verdict"] != "NO"


def test_a_model_that_nobody_knows_is_unknown_with_the_reason() -> None:
    assert answer({"model": "no/such", "machine": "mi300x:1"})["verdict"] == "unknown"


def test_a_bad_question_is_told_and_in_a_batch_is_one_answer() -> None:
    with pytest.raises(AimError):
        answer({"nonsense": 1})
    lines: list[str | bytes] = [
        "",
        "{",
        json.dumps({"config": LLAMA, "machine": "mi300x:1"}),
        b"\xff",
        '{"tp": "x"}',
    ]
    assert [each["verdict"] for each in answers(lines)] == ["unknown", "FITS", "unknown", "unknown"]


@settings(max_examples=50)
@given(st.text())
def test_no_line_breaks_a_batch(line: str) -> None:
    for each in answers([line]):
        assert each["verdict"] == "unknown"
