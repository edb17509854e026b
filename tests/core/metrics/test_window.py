"""The figures between two looks at an engine's metrics."""

from __future__ import annotations

import bisect
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core import metrics
from aim_jupyter.core.metrics import Histogram, Scrape
from aim_jupyter.core.metrics.window import quantile

#: vLLM's bounds for the first token (facts/vllm.md 3.2), in seconds.
BOUNDS = [0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 10.0]
TIMES = st.lists(st.floats(1e-6, 20.0), min_size=1, max_size=60)
SHARES = st.sampled_from([0.05, 0.5, 0.9, 0.95, 1.0])


def histogram(times: list[float]) -> Histogram:
    """Return what an engine would count of `times`."""
    counts = {str(bound): float(sum(time <= bound for time in times)) for bound in BOUNDS}
    return Histogram(
        total=sum(times), count=len(times), buckets={**counts, "+Inf": float(len(times))}
    )


def scrape(at: float, **values: float) -> Scrape:
    return Scrape(at=at, values=values)


@given(times=TIMES, share=SHARES)
def test_a_quantile_lies_in_the_bucket_of_the_true_one(times: list[float], share: float) -> None:
    true = sorted(times)[math.ceil(share * len(times)) - 1]
    place = bisect.bisect_left(BOUNDS, true)
    found = quantile(histogram(times), share)
    assert found is not None
    low = BOUNDS[place - 1] if place else 0.0
    high = BOUNDS[place] if place < len(BOUNDS) else low
    assert low <= found <= high or found == pytest.approx(low)


@given(times=TIMES)
def test_quantiles_rise_with_their_share(times: list[float]) -> None:
    found = [quantile(histogram(times), share) or 0.0 for share in (0.1, 0.5, 0.95, 1.0)]
    # The lowest bucket gives the mean where that is smaller: never above what is beyond.
    assert found == sorted(found)


def test_in_the_lowest_bucket_the_mean_is_shown() -> None:
    found = quantile(histogram([0.0002] * 100), 0.95)
    assert found == pytest.approx(0.0002)


def test_beyond_the_last_bound_at_least_that_is_said() -> None:
    assert quantile(histogram([100.0]), 0.5) == BOUNDS[-1]


def test_an_empty_histogram_has_no_quantile() -> None:
    assert quantile(Histogram(), 0.5) is None
    assert quantile(histogram([]), 0.5) is None
    assert quantile(Histogram(total=1.0, count=4.0, buckets={"+Inf": 4.0}), 0.5) is None


def test_a_count_ahead_of_its_buckets_is_not_infinite() -> None:
    racing = Histogram(total=0.1, count=40.0, buckets={"0.5": 3.0, "+Inf": 4.0})
    found = quantile(racing, 0.95)
    assert found is not None
    assert math.isfinite(found)


@given(
    buckets=st.dictionaries(st.sampled_from([*map(str, BOUNDS), "+Inf"]), st.floats(-10, 1e9)),
    count=st.floats(-10, 1e9),
    total=st.floats(-10, 1e9),
)
def test_no_histogram_gives_an_infinite_quantile(
    buckets: dict[str, float], count: float, total: float
) -> None:
    found = quantile(Histogram(total=total, count=count, buckets=buckets), 0.5)
    assert found is None or math.isfinite(found)


def test_rates_are_differences_over_time() -> None:
    sample = metrics.between(
        scrape(100.0, generation_tokens=50, prompt_tokens=10, prefix_hits=5, prefix_queries=10),
        scrape(
            110.0,
            generation_tokens=250,
            prompt_tokens=60,
            prefix_hits=20,
            prefix_queries=30,
            idle_s=3.0,
        ),
    )
    assert (sample.window_s, sample.idle_s) == (10.0, 3.0)
    assert sample.gen_tok_s == 20
    assert sample.prompt_tok_s == 5
    assert sample.prefix_hit_pct == 75


def test_a_counter_that_was_reset_counts_from_zero() -> None:
    sample = metrics.between(
        scrape(0.0, generation_tokens=10_000), scrape(10.0, generation_tokens=100)
    )
    assert sample.gen_tok_s == 10


@given(before=st.floats(0, 1e12), after=st.floats(0, 1e12), seconds=st.floats(0.01, 1e6))
def test_a_rate_is_never_negative(before: float, after: float, seconds: float) -> None:
    sample = metrics.between(
        scrape(0.0, generation_tokens=before), scrape(seconds, generation_tokens=after)
    )
    assert sample.gen_tok_s is not None
    assert sample.gen_tok_s >= 0


def test_a_histogram_that_was_reset_counts_from_zero() -> None:
    before = Scrape(at=0.0, histograms={"ttft": histogram([3.0] * 50)})
    after = Scrape(at=10.0, histograms={"ttft": histogram([0.03] * 20)})
    found = metrics.between(before, after).ttft_p95_ms
    assert found is not None
    assert 20 < found <= 40


@given(first=TIMES, second=TIMES)
def test_a_window_sees_only_what_happened_in_it(first: list[float], second: list[float]) -> None:
    before = Scrape(at=0.0, histograms={"e2e": histogram(first)})
    after = Scrape(at=10.0, histograms={"e2e": histogram([*first, *second])})
    alone = quantile(histogram(second), 0.5)
    found = metrics.between(before, after).e2e_p50_ms
    assert alone is not None
    assert found == pytest.approx(1000 * alone)


@given(first=TIMES, second=TIMES, left=TIMES)
def test_one_of_two_engines_may_restart(
    first: list[float], second: list[float], left: list[float]
) -> None:
    before = Scrape(at=0.0, histograms={"ttft": histogram([*first, *second])})
    after = Scrape(at=10.0, histograms={"ttft": histogram([*first, *left])})
    found = metrics.between(before, after).ttft_p50_ms
    assert found is None or 0 <= found <= 1000 * BOUNDS[-1]


def test_what_is_missing_is_unknown_and_never_zero() -> None:
    sample = metrics.between(scrape(0.0), scrape(10.0, running=1))
    assert (sample.req_running, sample.req_waiting) == (1, None)
    assert (sample.gen_tok_s, sample.kv_used_pct, sample.prefix_hit_pct) == (None, None, None)
    assert (sample.ttft_p50_ms, sample.e2e_p95_ms, sample.req_done) == (None, None, None)


def test_no_prompt_in_the_window_has_no_hit_rate() -> None:
    same = {"prefix_hits": 5.0, "prefix_queries": 10.0}
    assert metrics.between(scrape(0.0, **same), scrape(9.0, **same)).prefix_hit_pct is None


@pytest.mark.parametrize("earlier", [None, scrape(10.0), scrape(11.0)])
def test_without_an_earlier_look_only_what_is_true_now_is_said(earlier: Scrape | None) -> None:
    # The third: somebody has set the clock back.
    sample = metrics.between(earlier, scrape(10.0, kv_used=0.5, generation_tokens=9, failed=1))
    assert sample.kv_used_pct == 50
    assert sample.req_failed == 1
    assert (sample.window_s, sample.gen_tok_s) == (None, None)
