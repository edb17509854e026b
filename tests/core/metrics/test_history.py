"""The past of a server: bounded, exact across restarts, and any window of it."""

from __future__ import annotations

import itertools
import math
import tempfile
from pathlib import Path
from unittest import mock

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from aim_jupyter.core import metrics
from aim_jupyter.core.metrics import Histogram, Recorder, Scrape, history
from aim_jupyter.core.metrics.history import TIERS

NOON = 1_795_000_000.0


def scrape(second: float, tokens: float | None = None, slow: int = 0, **values: float) -> Scrape:
    """Return what an engine says that has given `tokens` and met `slow` requests of 0.4 s."""
    if tokens is not None:
        values = {"generation_tokens": tokens, "running": 1.0, **values}
    buckets = {"0.1": 0.0, "0.5": float(slow), "+Inf": float(slow)}
    ttft = Histogram(total=0.4 * slow, count=slow, buckets=buckets)
    return Scrape(
        at=NOON + second, values=values, histograms={} if tokens is None else {"ttft": ttft}
    )


def test_what_was_kept_comes_back_as_it_was(tmp_path: Path) -> None:
    given = scrape(0, 7, 3, temp_c=61.0, disk_free_bytes=2.0**40)
    Recorder(tmp_path).add(given)
    assert metrics.latest(tmp_path) == given
    assert metrics.before(tmp_path, NOON + 5) == given
    assert metrics.latest(tmp_path / "absent") is None
    assert metrics.samples(tmp_path / "absent", 0.0) == []
    assert metrics.columns(tmp_path / "absent", 0.0).at == ()


def test_rates_and_quantiles_of_any_window(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    for second in range(120):
        recorder.add(scrape(second, 5 * second, second // 10))
    each = metrics.samples(tmp_path, NOON)
    assert len(each) == 120
    assert each[0].gen_tok_s is None
    assert {sample.gen_tok_s for sample in each[1:]} == {5.0}
    assert [sample.ttft_p50_ms is not None for sample in each[9:12]] == [False, True, False]

    stepped = metrics.samples(tmp_path, NOON + 60, every_s=5, window_s=20)
    assert [sample.at - NOON for sample in stepped] == list(range(64, 120, 5))
    assert {sample.window_s for sample in stepped} == {20.0}
    assert all(100 < (sample.ttft_p50_ms or 0) <= 500 for sample in stepped)
    assert {sample.gen_tok_s for sample in stepped} == {5.0}


def test_tokens_are_exact_over_steps_and_across_a_restart(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    tokens = [0, 40, 90, 90, 15, 60, 70]
    for second, count in enumerate(tokens):
        # The engine is new from the fourth second on: its counters begin anew.
        recorder.add(scrape(second, count, second % 4))
    total = sum((s.gen_tok_s or 0) * (s.window_s or 0) for s in metrics.samples(tmp_path, NOON))
    assert total == 90 + 70
    columns = metrics.columns(tmp_path, NOON)
    rates, windows = columns.fields["gen_tok_s"], columns.fields["window_s"]
    assert math.fsum(r * w for r, w in zip(rates, windows, strict=True) if r == r) == 160  # noqa: PLR0124


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=30,
    deadline=None,
)
@given(st.lists(st.lists(st.integers(0, 9), min_size=1, max_size=40), min_size=1, max_size=4))
def test_nothing_of_any_engine_is_lost_or_counted_twice(
    tmp_path: Path, engines: list[list[int]]
) -> None:
    """A new engine counts from 0, and soon beyond where the window's beginning has the old one."""
    folder = Path(tempfile.mkdtemp(dir=tmp_path))
    recorder, truth = Recorder(folder), {0: 0}
    second = before = 0
    for started, counts in enumerate(engines):
        mark = {metrics.STARTED: float(started)}
        for total in itertools.accumulate(counts, initial=0):
            recorder.add(scrape(second, total, total, **mark))
            truth[second] = before + total
            second += 1
        # It has gone and answers nothing; some are followed by a new supervisor, too.
        recorder.add(scrape(second, None, 0, **mark))
        recorder = Recorder(folder) if started % 2 else recorder
        second, before = second + 1, before + sum(counts)
    for tier in TIERS:
        with mock.patch.object(history, "TIERS", (tier,)):
            kept = metrics.samples(folder, NOON)
            past = metrics.columns(folder, NOON)
        rates, windows = past.fields["gen_tok_s"], past.fields["window_s"]
        grown = [r * w for r, w in zip(rates, windows, strict=True) if math.isfinite(r)]
        assert min(grown, default=0) >= 0
        last = max(round(each.at - NOON) for each in kept if each.req_running is not None)
        assert math.fsum(grown) == pytest.approx(truth[last])
    for back in (1, 7, 30):
        for now in metrics.samples(folder, NOON, window_s=back):
            if now.gen_tok_s is not None and now.window_s is not None:
                end = round(now.at - NOON)
                grown_then = truth[end] - truth[round(end - now.window_s)]
                assert now.gen_tok_s * now.window_s == pytest.approx(grown_then)
    newest = max(truth)
    opening = metrics.before(folder, NOON + newest - 7)
    final = metrics.between(opening, scrape(newest, sum(engines[-1]), sum(engines[-1])))
    assert opening is not None
    begun = round(opening.at - NOON)
    assert (final.gen_tok_s or 0) * (newest - begun) == pytest.approx(truth[newest] - truth[begun])
    if truth[newest] > truth[begun]:
        assert final.ttft_mean_ms == pytest.approx(400)
        assert 100 < (final.ttft_p95_ms or 0) <= 500


def test_a_silent_engine_is_unknown_and_nothing_is_lost_or_made_up(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    for second, tokens in enumerate([1000, 1010, None, None, 1040]):
        recorder.add(scrape(second, tokens, temp_c=50.0))
    found = metrics.samples(tmp_path, NOON)
    assert [sample.gen_tok_s for sample in found] == [None, 10, None, None, 10]
    assert [sample.window_s for sample in found][1:] == [1, 1, 2, 3]
    assert [sample.temp_c for sample in found] == [50.0] * 5
    assert [sample.req_running for sample in found] == [1, 1, None, None, 1]
    assert metrics.before(tmp_path, NOON + 3) == scrape(1, 1010, temp_c=50.0)


def test_a_new_supervisor_goes_on_where_the_last_one_ended(tmp_path: Path) -> None:
    Recorder(tmp_path).add(scrape(0, 100))
    Recorder(tmp_path).add(scrape(3, 130))
    assert [sample.gen_tok_s for sample in metrics.samples(tmp_path, NOON)] == [None, 10]


def test_an_engine_with_other_buckets_keeps_the_past(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.add(scrape(0, 10, 2))
    other = Histogram(total=1.0, count=1.0, buckets={"0.2": 0.0, "2.0": 1.0, "+Inf": 1.0})
    late = replace(scrape(1, 20), histograms={"ttft": other, "e2e": other})
    recorder.add(late)
    assert metrics.before(tmp_path, NOON) == scrape(0, 10, 2)
    assert metrics.latest(tmp_path) == late
    assert len(metrics.samples(tmp_path, NOON)) == 2


def test_a_clock_that_was_put_back_does_not_stop_the_history(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    for second in (100, 101, 50, 51):
        recorder.add(scrape(second, second))
    assert metrics.latest(tmp_path) == scrape(51, 51)
    assert all((sample.gen_tok_s or 0) >= 0 for sample in metrics.samples(tmp_path, NOON))


def test_a_folder_that_is_gone_costs_the_history_and_nothing_else(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "absent")
    recorder.add(scrape(0, 1))
    assert metrics.latest(tmp_path / "absent") is None


def test_the_store_is_bounded_and_reaches_back_as_far_as_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small = tuple(
        tier._replace(records=records) for tier, records in zip(TIERS, (60, 30, 20), strict=True)
    )
    monkeypatch.setattr(history, "TIERS", small)
    recorder = Recorder(tmp_path)
    for second in range(0, 7200, 1):
        recorder.add(scrape(second, second))
    sizes = [history.path(tmp_path, tier).stat().st_size for tier in small]
    for second in range(7200, 7300):
        recorder.add(scrape(second, second))
    assert [history.path(tmp_path, tier).stat().st_size for tier in small] == sizes
    end = NOON + 7299
    # The finest that reaches back far enough is read.
    assert {s.window_s for s in metrics.samples(tmp_path, end - 20)} == {1.0}
    assert {s.window_s for s in metrics.samples(tmp_path, end - 150)} == {10.0}
    assert {s.window_s for s in metrics.samples(tmp_path, end - 5000)} == {300.0}
    assert {round(s.gen_tok_s or 1, 6) for s in metrics.samples(tmp_path, end - 5000)} == {1.0}
