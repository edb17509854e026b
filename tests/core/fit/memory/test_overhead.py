"""The band of what the engine takes beside weights and KV cache."""

from __future__ import annotations

from typing import Any

import pytest

from aim_jupyter.core.fit.memory.overhead import _table
from aim_jupyter.testing import sums
from tests.core.fit.conftest import ask, small

LLAMA = "meta-llama/Llama-3.3-70B-Instruct"
MINISTRAL = "mistralai/Ministral-3-14B-Instruct-2512-BF16"
VL = "Qwen/Qwen3-VL-30B-A3B-Instruct"
QWEN = "Qwen/Qwen3-235B-A22B"
MAVERICK = "meta-llama/Llama-4-Maverick-17B-128E-Instruct"
R1 = "deepseek-ai/DeepSeek-R1"


def overhead(**parameters: Any) -> tuple[float, float]:
    low, high = ask(**{"max_model_len": 4096, **parameters})["overhead_gib"]
    return low, high


@pytest.mark.parametrize(
    ("model", "machine", "tp", "version", "measured"),
    [
        (LLAMA, "mi300x:8", 1, "0.11", (5.9, 6.2)),
        (LLAMA, "mi300x:8", 1, "0.16", (5.9, 6.2)),
        (LLAMA, "mi300x:8", 1, "0.18", (3.1, 3.3)),
        (MINISTRAL, "mi300x:8", 1, "0.16", (5.9, 6.2)),
        (MINISTRAL, "mi300x:8", 1, "0.18", (3.1, 3.3)),
        (LLAMA, "mi300x:8", 1, "0.13.1.dev8", (2.8, 3.1)),
        (VL, "mi300x:8", 1, "0.16", (7.4, 7.9)),
        (VL, "mi300x:8", 1, "0.18", (4.3, 4.3)),
        (LLAMA, "mi300x:8", 4, "0.16", (6.4, 6.4)),
        (QWEN, "mi300x:8", 4, "0.16", (7.2, 7.2)),
        (R1, "mi300x:8", 8, "0.16", (8.2, 10.1)),
        (R1, "mi300x:8", 8, "0.18", (7.3, 7.3)),
        (QWEN, "mi300x:8", 8, "0.16", (8.9, 8.9)),
        (MAVERICK, "mi300x:8", 8, "0.16", (11.2, 11.2)),
        (LLAMA, "h200:8", 4, "0.16", (5.4, 5.5)),
        (LLAMA, "h200:8", 4, "0.18", (4.1, 4.1)),
        (R1, "h200:8", 8, "0.16", (5.8, 7.4)),
        (R1, "h200:8", 8, "0.11.0", (2.8, 2.8)),
        (R1, "h200:8", 8, "0.18", (6.1, 6.1)),
    ],
)
def test_the_band_holds_what_was_measured(
    model: str, machine: str, tp: int, version: str, measured: tuple[float, float]
) -> None:
    low, high = overhead(model=model, machine=machine, tp=tp, engine_version=version)
    assert low <= measured[0] <= measured[1] <= high  # facts/fit.md 3.4


def test_the_band_is_narrow_where_the_release_was_measured() -> None:
    low, high = overhead(engine_version="0.18")
    assert high - low < 0.7
    low, high = overhead(machine="h100:8", tp=4, engine_version="0.19")
    assert high - low < 0.8


def test_the_band_is_wide_where_nobody_has_measured() -> None:
    measured, unknown = (overhead(engine_version=version) for version in ("0.18", "0.32"))
    assert unknown[1] - unknown[0] > 5 * (measured[1] - measured[0])


def test_fewer_requests_and_tokens_take_less() -> None:
    usual = overhead(engine_version="0.32")
    fewer = overhead(engine_version="0.32", max_num_seqs=256, max_num_batched_tokens=1024)
    assert fewer[0] < usual[0]
    assert fewer[1] < usual[1]


@pytest.mark.parametrize("version", ["0.16", "0.18"])
def test_fewer_requests_are_not_credited_where_that_was_never_seen(version: str) -> None:
    usual, fewer = (overhead(engine_version=version, max_num_seqs=n) for n in (None, 64))
    assert fewer[1] == usual[1]
    assert fewer[0] < usual[0]


def test_graphs_of_experts_are_those_that_were_measured_for_them() -> None:
    asked: dict[str, Any] = {"model": "openai/gpt-oss-120b", "util": 0.95, "max_num_seqs": 512}
    for version in ("0.18", "0.32"):
        one = ask(**asked, machine="mi300x:8", engine_version=version, max_model_len=32_768)
        assert one["verdict"] == "FITS"  # AMD validates it on one GPU at this share
    old = ask(**{**asked, "model": VL}, machine="mi300x:1", engine_version="0.18")
    assert old["verdict"] == "FITS"


def test_graphs_count_inside_the_budget_where_the_engine_counts_them() -> None:
    terms = {term["name"] for term in ask(engine_version="0.32", max_model_len=4096)["terms"]}
    assert "graphs" in terms
    eager = ask(engine_version="0.32", max_model_len=4096, enforce_eager=True)
    assert "graphs" not in {term["name"] for term in eager["terms"]}


def test_pages_of_the_vocabulary_that_must_be_cut_are_copied() -> None:
    answers = [
        sums.answer({"config": small(vocab_size=rows), "machine": "h100", "engine_version": "0.19"})
        for rows in (64_000, 64_001)
    ]
    whole, cut = (answer["overhead_gib"] for answer in answers)
    assert cut[1] - whole[1] > 0.3
    assert cut[0] == pytest.approx(whole[0], abs=0.001)


def test_every_release_has_a_class_on_every_family() -> None:
    for machine in ("mi300x:1", "h100:1"):
        for minor in range(40):
            answer = ask(machine=machine, engine_version=f"0.{minor}", max_model_len=1024)
            assert answer["overhead_gib"] is not None, (machine, minor)


def test_figures_are_pairs_in_order() -> None:
    for each in _table().classes:
        pairs = [each.sampler, each.graphs, each.beside, *each.runtime.values()]
        assert all(low <= high for low, high in pairs)
        assert "1" in each.runtime
