"""What engines of several versions really export, under our names (data/README.md says how got)."""

from __future__ import annotations

from pathlib import Path

import pytest

from aim_jupyter.core import metrics
from aim_jupyter.core.metrics import Scrape
from aim_jupyter.core.metrics.window import quantile

from .naming import of

DATA = Path(__file__).with_name("data")
TOLD = ("vllm-0.8", "vllm-0.11", "sglang-0.5")


def read(name: str, at: float = 0.0) -> Scrape:
    return metrics.read((DATA / f"{name}.prom").read_text(), at, of(name))


@pytest.mark.parametrize("name", TOLD)
def test_every_version_tells_the_same_story(name: str) -> None:
    sample = metrics.between(None, read(name))
    assert (sample.req_running, sample.req_waiting, sample.kv_used_pct) == (3, 1, 25)
    assert (sample.req_done, sample.req_failed, sample.req_aborted) == (20, 1, 1)
    values = read(name).values
    assert values["prompt_tokens"] == values["prefix_queries"] == 1000
    assert values["prefix_hits"] == 630
    assert values["generation_tokens"] == 480
    histograms = read(name).histograms
    assert {key: each.count for key, each in histograms.items()} == {
        "ttft": 20,
        "itl": 460,
        "e2e": 20,
    }
    assert histograms["itl"].total == pytest.approx(400 * 0.02 + 60 * 0.06)


@pytest.mark.parametrize(
    ("name", "ttft", "itl", "e2e"),
    [
        ("vllm-0.8", (0.02, 0.04), (0.01, 0.025), (0.5, 0.8)),
        ("vllm-0.11", (0.02, 0.04), (0.01, 0.025), (0.5, 0.8)),
        ("sglang-0.5", (0.0, 0.1), (0.015, 0.02), (0.4, 0.6)),
    ],
)
def test_medians_lie_in_their_true_buckets(
    name: str, ttft: tuple[float, float], itl: tuple[float, float], e2e: tuple[float, float]
) -> None:
    scrape = read(name)
    for figure, (low, high) in {"ttft": ttft, "itl": itl, "e2e": e2e}.items():
        found = quantile(scrape.histograms[figure], 0.5)
        assert found is not None
        assert low < found <= high, figure


def test_what_an_engine_does_not_tell_stays_missing() -> None:
    assert metrics.between(None, read("sglang-0.5")).preempted is None
    assert metrics.between(None, read("sglang-0.5")).req_stopped is None
    assert metrics.between(None, read("vllm-0.8")).preempted == 2
    assert metrics.between(None, read("vllm-0.11")).preempted == 2


@pytest.mark.parametrize(
    ("name", "theirs", "not_yet"),
    [
        ("vllm-0.8", "vllm:gpu_prefix_cache_hits_total", "vllm:prefix_cache_hits_total"),
        ("vllm-0.8", "vllm:time_per_output_token_seconds", "vllm:inter_token_latency_seconds"),
        ("vllm-0.11", "vllm:inter_token_latency_seconds", "vllm:gpu_cache_usage_perc"),
        ("sglang-0.5", "sglang:inter_token_latency_seconds", "vllm:"),
    ],
)
def test_each_is_read_by_the_names_of_its_time(name: str, theirs: str, not_yet: str) -> None:
    text = (DATA / f"{name}.prom").read_text()
    assert f"\n# HELP {theirs}" in text
    assert f"\n# HELP {not_yet}" not in text


def test_vllm_0_32_as_recorded() -> None:
    scrape = read("vllm-0.32", 10.0)
    sample = metrics.between(Scrape(at=0.0, values={"running": 0.0}), scrape)
    assert sample.req_done == sample.req_length == 20
    assert sample.req_failed == sample.req_stopped == sample.preempted == 0
    assert sample.gen_tok_s == pytest.approx(48)
    assert sample.prompt_tok_s == pytest.approx(10)
    # 22 requests on all routes: 20 completions, one refused, one look at the models.
    assert scrape.requests == 22
    assert scrape.histograms["itl"].count == 460
    assert sample.bounds_ms["itl"][0] == 10
    assert sample.bounds_ms["e2e"][0] == 300
    assert sample.ttft_mean_ms == pytest.approx(49.6, abs=0.1)
    assert sample.ttft_p50_ms is not None
    assert 20 < sample.ttft_p50_ms <= 40


def test_no_series_of_0_32_has_a_name_that_was_overlooked() -> None:
    text = (DATA / "vllm-0.32.prom").read_text()
    assert set(read("vllm-0.32").values) >= {
        *("running", "waiting", "kv_used", "prompt_tokens", "generation_tokens", "prefix_hits"),
        *("prefix_queries", "preempted", "finished", "failed", "requests"),
    }
    # The old names are gone there: a table that still needed them would read nothing.
    assert "gpu_cache_usage_perc" not in text
    assert "time_per_output_token_seconds_bucket" not in text.replace("request_time_per", "")


def test_two_data_parallel_engines_are_one_server() -> None:
    """Recorded: 9 requests went to one engine, 11 to the other, of 24 tokens each."""
    scrape = read("vllm-0.32-dp2", 10.0)
    sample = metrics.between(Scrape(at=0.0, values={"running": 0.0}), scrape)
    assert sample.req_done == 20
    assert sample.gen_tok_s == pytest.approx(48)
    assert scrape.values["prompt_tokens"] == 100
    assert scrape.histograms["ttft"].count == 20
    assert scrape.histograms["itl"].count == 20 * 23
    assert scrape.histograms["ttft"].buckets["+Inf"] == 20
