"""Which level is measured next, and which is the best."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.work.bench import search
from aim_jupyter.work.records import Level, Quantiles, Workload

FREE = Workload(tokens_in=480, tokens_out=256)


def level(at_once: int, tok_s: float, ttft_ms: float = 1.0, failed: int = 0) -> Level:
    return Level(
        at_once=at_once,
        requests=4 * at_once,
        failed=failed,
        took_s=10.0,
        tokens_in=1,
        tokens_out=round(10 * tok_s),
        ttft=Quantiles(p50=ttft_ms, p95=ttft_ms, p99=ttft_ms),
        itl=Quantiles(p50=1.0, p95=1.0, p99=1.0),
    )


def searched(
    measure: Callable[[int], Level], workload: Workload = FREE, most: int = 1024
) -> tuple[Level | None, list[int]]:
    """Measure as the search says; return the best level and what was measured, in order."""
    levels: list[Level] = []
    while (at_once := search.following(levels, workload, most)) is not None:
        assert at_once not in {one.at_once for one in levels}, "nothing is measured twice"
        assert 1 <= at_once <= most
        levels.append(measure(at_once))
    return search.best(levels, workload), [one.at_once for one in levels]


def test_slots_are_found_by_doubling_and_between() -> None:
    best, order = searched(lambda at: level(at, 100.0 * min(at, 11)))
    assert order[:5] == [1, 2, 4, 8, 16]
    assert best is not None
    assert best.at_once == 11


@pytest.mark.parametrize("slots", range(1, 12))
def test_few_slots_are_found_exactly(slots: int) -> None:
    best, _ = searched(lambda at: level(at, 100.0 * min(at, slots)))
    assert best is not None
    assert slots / 1.2 <= best.at_once <= slots * 1.2
    assert slots > 6 or best.at_once == slots


@given(slots=st.integers(1, 900), seed=st.randoms(use_true_random=False))
def test_the_knee_of_any_number_of_slots_is_found_to_a_fifth(slots: int, seed: object) -> None:
    def measure(at: int) -> Level:
        return level(at, 1000.0 * min(at, slots) * seed.uniform(0.99, 1.01))  # type: ignore[attr-defined]

    best, order = searched(measure)
    assert best is not None
    assert slots / 1.25 - 1 <= best.at_once <= slots * 1.25 + 1
    assert len(order) <= 18


@given(first=st.floats(1.0, 50.0), more=st.floats(0.02, 5.0))
def test_where_each_request_slows_the_others_the_knee_has_all_but_the_best_power(
    first: float, more: float
) -> None:
    def measure(at: int) -> Level:
        return level(at, 1e6 * at / (first + more * at))

    best, _ = searched(measure)
    assert best is not None
    highest = max(search.power(measure(at)) for at in range(1, 1025))
    assert search.power(best) >= 0.97 * highest


@given(limit=st.integers(1, 700), most=st.integers(1, 1024))
def test_a_limit_is_found_to_a_tenth(limit: int, most: int) -> None:
    wanted = Workload(tokens_in=1, tokens_out=1, ttft_ms=100.0)
    best, order = searched(lambda at: level(at, 1.0 * at, 100.0 * at / limit), wanted, most)
    assert best is not None
    assert min(limit, most) / 1.1 - 1 <= best.at_once <= min(limit, most)
    assert len(order) <= 20


def test_nothing_within_a_limit_is_no_best_level_and_one_measurement() -> None:
    wanted = Workload(tokens_in=1, tokens_out=1, itl_ms=0.5)
    assert searched(lambda at: level(at, 1.0 * at), wanted) == (None, [1])


def test_a_level_with_failures_keeps_no_limit_and_what_lies_beyond_is_luck() -> None:
    wanted = Workload(tokens_in=1, tokens_out=1, ttft_ms=10.0)
    levels = [level(1, 1.0), level(2, 2.0, failed=1), level(4, 4.0)]
    best = search.best(levels, wanted)
    assert best is not None
    assert best.at_once == 1


def test_doubling_ends_where_it_brings_nothing_more() -> None:
    wanted = Workload(tokens_in=1, tokens_out=1, ttft_ms=1e6)
    best, order = searched(lambda at: level(at, 1.0 * min(at, 8)), wanted)
    assert order == [1, 2, 4, 8, 16]
    assert best is not None
    assert best.at_once == 8


def test_what_answers_nothing_has_no_best_level() -> None:
    dead = Level(at_once=1, requests=0, failed=8, took_s=1.0, tokens_in=0, tokens_out=0)
    assert search.best([dead], FREE) is None
