"""Our own client for a bench."""

from __future__ import annotations

import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core.request import Request
from aim_jupyter.work.bench import ours
from aim_jupyter.work.bench.ours import Ours, Sent, level, quantiles
from aim_jupyter.work.map.wire import Place
from aim_jupyter.work.records import Quantiles, Workload
from tests.conftest import FakeEngine
from tests.waiting import launch_ready

FREE = Workload(tokens_in=40, tokens_out=6)


def client(workload: Workload = FREE, request: Request | None = None) -> Ours:
    folder = launch_ready(request or Request(model="demo"))
    record = folder.read()
    at = record.address
    assert at is not None
    place = Place(at.host, at.port, at.socket, folder.key())
    return Ours(place, record.plan.model, workload)


@pytest.mark.parametrize("listen", ["loopback", "unix"])
def test_as_many_tokens_go_and_come_as_are_wanted(fake: FakeEngine, listen: str) -> None:
    fake(token_s=0.005)
    found = client(request=Request(model="demo", listen=listen)).measure(3, 12, 7)
    assert (found.at_once, found.requests, found.failed) == (3, 12, 0)
    assert (found.tokens_in, found.tokens_out) == (12 * 40, 12 * 6)
    assert found.itl.p50 is not None
    assert found.itl.p50 >= 5.0
    assert found.took_s >= 4 * 6 * 0.005, "four after each other in each of three places"


def test_no_two_prompts_are_the_same(fake: FakeEngine, tmp_path: object) -> None:
    asked = f"{tmp_path}/asked"
    fake(asked=asked)
    made = client()
    for seed in (1, 2):
        made.measure(2, 10, seed)
    with open(asked) as file:  # noqa: PTH123
        prompts = file.read().splitlines()
    assert len(set(prompts)) == len(prompts) == 2 + 20


def test_what_is_refused_or_cut_off_has_failed_and_counts_in_nothing_else(
    fake: FakeEngine,
) -> None:
    fake(longest=100)
    found = client().measure(2, 4, 1)
    assert (found.requests, found.failed, found.tokens_out, found.ttft) == (0, 4, 0, Quantiles())
    dead = Ours(Place("127.0.0.1", 9, "", ""), "demo", FREE).measure(1, 2, 1)
    assert dead.failed == 2


def sent(ttft_ms: float, *gaps_ms: float) -> Sent:
    pieces = [ttft_ms / 1000]
    for gap in gaps_ms:
        pieces.append(pieces[-1] + gap / 1000)
    return Sent(at=0.0, ended=pieces[-1], pieces=tuple(pieces), tokens_out=len(pieces))


def test_what_keeps_the_wish_is_counted_a_second() -> None:
    wanted = Workload(tokens_in=1, tokens_out=3, ttft_ms=100.0, itl_ms=10.0)
    all_of_them = [sent(90.0, 5.0, 14.0), sent(110.0, 1.0), sent(50.0, 20.0), sent(10.0)]
    found = level(2, all_of_them, 2.0, wanted)
    assert found.good_s == 2 / 2.0, "the mean of the gaps counts, and one piece has none"
    assert level(2, all_of_them, 2.0, FREE).good_s is None


@given(st.lists(st.floats(0, 1e6), min_size=2))
def test_quantiles_are_those_of_the_standard_library(values: list[float]) -> None:
    found = quantiles(values)
    told = statistics.quantiles(values, n=100, method="inclusive")
    for mine, at in ((found.p50, 49), (found.p95, 94), (found.p99, 98)):
        assert mine == pytest.approx(told[at], rel=1e-9, abs=1e-6)
    assert quantiles([3.0]) == Quantiles(p50=3.0, p95=3.0, p99=3.0)


@pytest.mark.parametrize(
    ("line", "said", "usage"),
    [
        ('data: {"choices":[{"delta":{"content":"a"}}]}', True, {}),
        ('data: {"choices":[{"delta":{"reasoning_content":"a"}}]}', True, {}),
        ('data: {"choices":[{"delta":{"role":"assistant","content":""}}]}', False, {}),
        ('data: {"choices":[],"usage":{"prompt_tokens":3}}', False, {"prompt_tokens": 3}),
        ("data: [DONE]", False, {}),
        (": ping", False, {}),
    ],
)
def test_a_piece_is_text_that_is_not_empty(line: str, said: object, usage: dict[str, int]) -> None:
    assert ours._read(line) == (said, usage)
