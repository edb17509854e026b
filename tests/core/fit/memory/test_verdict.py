"""The verdict, the sum that it rests on, and what would fit instead."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aim_jupyter.testing import sums
from tests.core.fit.conftest import ask, small

LONG: dict[str, Any] = {"util": 0.92, "max_model_len": 131_072}


@pytest.mark.parametrize("version", ["0.11", "0.13", "0.16"])
def test_a_70b_at_full_context_is_refused_by_old_releases(version: str) -> None:
    answer = ask(engine_version=version, **LONG)
    assert answer["verdict"] == "NO"  # 39.07 GiB measured where 40.0 are needed, facts/fit.md 3.5
    assert answer["needed_kv_gib"] == [40.0, 40.0]
    low, high = answer["available_kv_gib"]
    assert low <= 39.07 <= high


def test_the_same_start_fits_under_0_18() -> None:
    answer = ask(engine_version="0.18", **LONG)
    assert answer["verdict"] == "FITS"
    low, high = answer["available_kv_gib"]
    assert low <= 41.88 <= high


@pytest.mark.parametrize(("version", "verdicts"), [("0.16", {"NO", "TIGHT"}), ("0.18", {"FITS"})])
def test_fewer_requests_a_step_change_neither(version: str, verdicts: set[str]) -> None:
    answer = ask(engine_version=version, max_num_seqs=256, max_num_batched_tokens=8192, **LONG)
    assert answer["verdict"] in verdicts


@pytest.mark.parametrize("version", ["0.16", "0.18", "0.32"])
def test_the_terms_add_up_to_the_memory(version: str) -> None:
    answer = ask(engine_version=version, **LONG)
    parts = [term["gib"] for term in answer["terms"] if term["name"] != "KV cache needed"]
    names = [term["name"] for term in answer["terms"]]
    assert names[:2] == ["kept free", "weights"]
    fixed = [sum(part) / 2 for part in parts]
    assert sum(fixed) == pytest.approx(191.98, abs=0.01)
    assert {term["basis"] for term in answer["terms"]} <= {"exact", "modelled"}


def test_more_users_need_more() -> None:
    one, many = (ask(users=users, max_model_len=16_384) for users in (1, 16))
    assert many["needed_kv_gib"][0] == 16 * one["needed_kv_gib"][0]
    assert one["verdict"] == "FITS"
    assert many["verdict"] == "NO"
    assert many["reason"].endswith("of 16 users")


def test_the_largest_context_fits_and_one_block_more_does_not_for_certain() -> None:
    longest = ask(engine_version="0.16", **LONG)["largest_context"]
    assert ask(engine_version="0.16", util=0.92, max_model_len=longest)["verdict"] == "FITS"
    assert ask(engine_version="0.16", util=0.92, max_model_len=longest + 16)["verdict"] != "FITS"


def test_weights_alone_can_be_too_much() -> None:
    answer = ask("meta-llama/Llama-3.1-405B-Instruct", machine="mi300x:4", tp=4)
    assert answer["verdict"] == "NO"
    assert "before any KV cache" in answer["reason"]
    assert answer["largest_context"] == 0


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"kv_dtype": "int3"}, "the KV cache dtype 'int3' is not known here"),
        ({"dtype": "bfloat17"}, "the dtype 'bfloat17' is not known here"),
        ({"quantization": "magic"}, "online quantization 'magic' is not known here"),
        ({"machine": None}, "no GPU is named"),
        ({"model": "nobody/knows-this"}, "There is no model with known facts"),
    ],
)
def test_what_can_not_be_told_is_unknown(parameters: dict[str, Any], reason: str) -> None:
    answer = ask(**parameters)
    assert answer["verdict"] == "unknown"
    assert reason in answer["notes"][0]
    assert answer["counter_offers"] == []


def test_a_config_without_a_length_has_that_of_its_class() -> None:
    config = small(max_position_embeddings=None)
    assert sums.answer({"config": config, "machine": "mi300x"})["verdict"] == "FITS"
    answer = sums.answer({"config": config, "machine": "mi300x", "max_model_len": 4096})
    assert (answer["verdict"], answer["context_limit"]) == ("NO", 2048)


def test_experts_on_rocm_are_flagged() -> None:
    answer = ask("Qwen/Qwen3-VL-30B-A3B-Instruct", max_model_len=8192)
    term = next(term for term in answer["terms"] if term["name"] == "weights")
    assert "experts may grow by up to 21.8 GiB" in term["note"]
    low, high = term["gib"]
    assert low < 58.23  # measured on H200, and
    assert high > 79.29  # on MI300X, facts/fit.md 3.5
    dense = ask(max_model_len=8192)["weights_gib_per_gpu_band"]
    assert dense[0] == dense[1]


def test_measured_memory_takes_the_place_of_the_model() -> None:
    answer = ask(available_kv_gib=39.07, machine=None, **LONG)
    assert answer["verdict"] == "NO"
    assert answer["available_kv_gib"] == [39.07, 39.07]
    assert answer["kv_tokens"][0] == answer["kv_tokens"][1] == 128_016


def test_a_cpu_holds_a_small_model() -> None:
    machine = {"model": "cpu", "family": "cpu", "total_gib": 24.0, "free_gib": 20.0}
    asked = {"config": small(), "machine": machine, "engine_version": "0.32.0+cpu"}
    answer = sums.answer({**asked, "util": 0.5})
    assert answer["verdict"] == "FITS"
    assert 11.0 < answer["available_kv_gib"][0] < answer["available_kv_gib"][1] < 11.6
    small_cache = sums.answer({**asked, "kv_cache_gib": 1 / 1024})
    assert small_cache["verdict"] == "NO"


ASKED = st.fixed_dictionaries(
    {
        "model": st.sampled_from(
            ["meta-llama/Llama-3.3-70B-Instruct", "openai/gpt-oss-120b", "Qwen/Qwen3-32B"]
        ),
        "machine": st.just("mi300x:8"),
        "tp": st.sampled_from([1, 2, 4, 8]),
        "util": st.floats(0.3, 0.99),
        "max_model_len": st.integers(256, 40_960),
        "users": st.integers(1, 64),
        "engine_version": st.sampled_from(["0.16", "0.18", "0.32", "nightly"]),
    }
)


@settings(max_examples=60)
@given(ASKED)
def test_asking_for_less_never_makes_it_worse(asked: dict[str, Any]) -> None:
    order = ["FITS", "TIGHT", "NO"]
    long = ask(**asked)
    short = ask(**{**asked, "max_model_len": asked["max_model_len"] // 2})
    fewer = ask(**{**asked, "users": 1})
    assert order.index(short["verdict"]) <= order.index(long["verdict"])
    assert order.index(fewer["verdict"]) <= order.index(long["verdict"])
    low, high = long["available_kv_gib"]
    assert low <= high
