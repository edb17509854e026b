"""The words of vLLM's benchmark."""

from __future__ import annotations

from msgspec.structs import replace

from aim_jupyter.core.adapters.vllm.benching import BenchServe, Shape

SHAPE = Shape(at_once=4, requests=16, tokens_in=64, tokens_out=8, seed=7)


def words(shape: Shape) -> str:
    tool = BenchServe("python", host="::1", port=8001, model="m", tokenizer="/m", key="secret")
    return " ".join(tool.words(shape))


def test_a_run_is_what_a_person_would_type_and_holds_no_key() -> None:
    said = words(SHAPE)
    assert "--num-prompts 16 --max-concurrency 4" in said
    assert "--random-input-len 64 --random-output-len 8" in said
    assert "--seed 7" in said
    assert "--goodput" not in said
    assert "secret" not in said


def test_what_is_wanted_counts_for_the_goodput() -> None:
    limited = replace(SHAPE, ttft_ms=500.0)
    assert "--goodput ttft:500" in words(limited)


def test_an_interpreter_that_is_none_is_an_error() -> None:
    tool = BenchServe("/no/python", host="h", port=1, model="m", tokenizer="/m", key="")
    assert tool.run(SHAPE) == {"error": "its process ended without an answer"}
