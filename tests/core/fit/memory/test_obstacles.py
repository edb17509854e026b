"""What may stop a start that has room enough for its KV cache."""

from __future__ import annotations

from typing import Any

from tests.core.fit.conftest import ask


def test_memory_that_others_hold_refuses_the_start() -> None:
    answer = ask(free_gib=150, max_model_len=4096)
    assert answer["verdict"] == "NO"
    assert answer["refused"]
    assert "150.0 GiB free" in answer["reason"]
    offer = next(each for each in answer["counter_offers"] if each["setting"] == "util")
    assert offer["value"] == 0.78
    assert ask(free_gib=150, max_model_len=4096, util=0.78)["verdict"] == offer["verdict"]


def test_a_little_that_others_hold_refuses_nothing() -> None:
    assert ask(free_gib=185, max_model_len=4096)["verdict"] == "FITS"


def test_graphs_that_may_not_fit_beside_the_budget_make_it_tight() -> None:
    answer = ask(
        "openai/gpt-oss-20b", machine="h100", util=0.95, engine_version="0.19", max_model_len=8192
    )
    assert answer["verdict"] == "TIGHT"  # those starts died in warm-up, facts/fit.md 3.5
    assert answer["reason"].startswith("graphs may need")
    eager = ask(
        "openai/gpt-oss-20b",
        machine="h100",
        util=0.95,
        engine_version="0.19",
        max_model_len=8192,
        enforce_eager=True,
    )
    assert eager["verdict"] == "FITS"


def test_a_kv_cache_of_fixed_size_is_checked_against_what_is_free() -> None:
    fixed: dict[str, Any] = {"max_model_len": 8192, "kv_cache_gib": 10.0}
    assert ask(**fixed)["verdict"] == "FITS"
    assert ask(**fixed, free_gib=140)["verdict"] == "NO"
    assert ask(max_model_len=131_072, kv_cache_gib=10.0)["verdict"] == "NO"
