"""How long the rest takes: right for an even rate, with a band for an uneven one."""

from __future__ import annotations

import heapq
import random
from collections import deque

import pytest

from aim_jupyter.work.map.forecast import WINDOW_S, Forecast
from aim_jupyter.work.map.pace import Load, Pace


def after(seconds: int, rate: float) -> Forecast:
    forecast, rows = Forecast(), 0.0
    for second in range(seconds):
        rows += rate
        forecast.note(
            float(second), 8, rows=int(rows), tokens_in=int(9 * rows), tokens_out=int(rows)
        )
        forecast.took([8 / rate])
    return forecast


def test_nothing_is_said_before_anything_is_known() -> None:
    assert Forecast().left(10, [1.0]) is None
    assert after(1, 5.0).left(10, [1.0]) is None


@pytest.mark.parametrize("rate", [0.7, 5.0, 480.0])
def test_an_even_rate_has_a_narrow_band_with_the_truth_in_it(rate: float) -> None:
    least, most = after(int(2 * WINDOW_S), rate).left(1000, [4 / rate] * 8) or (0.0, 0.0)
    assert 0.9 * 1000 / rate <= least <= 1.05 * 1000 / rate
    assert 0.95 * 1000 / rate <= most <= 1.1 * 1000 / rate


def test_what_is_under_way_for_long_counts_though_it_has_not_ended() -> None:
    forecast = after(10, 8.0)
    _, alike = forecast.left(1000, [0.5] * 8) or (0.0, 0.0)
    least, _ = forecast.left(1000, [0.5] * 4 + [30.0] * 4) or (0.0, 0.0)
    assert least > 2 * alike


def test_rates_are_of_the_last_minute() -> None:
    rates = after(300, 5.0).rates()
    assert rates is not None
    assert rates == pytest.approx((5.0, 45.0, 5.0), rel=0.02)


class Simulated:
    """An engine of so many slots that a map finds out about, in a time of its own.

    A row takes as many seconds as its length once it runs; what ends makes room for the next.
    """

    def __init__(self, lengths: list[float], slots: int) -> None:
        self.ahead, self.lengths, self.slots = len(lengths), lengths[::-1], slots
        self.forecast, self.pace, self.clock, self.done = Forecast(), Pace(), 0.0, 0
        self.waiting: deque[float] = deque()
        self.running: list[tuple[float, float]] = []

    def second(self) -> None:
        """Let one pass."""
        self._fill(self.clock)
        self.clock += 1.0
        while self.running and self.running[0][0] <= self.clock:
            ended, asked = heapq.heappop(self.running)
            self.done += 1
            self.forecast.took([ended - asked])
            self._fill(ended)
        running, waiting = len(self.running), len(self.waiting)
        self.pace.look(Load(running, waiting, None, 0, self.clock), running + waiting)
        self.forecast.note(self.clock, self.pace.target, rows=self.done, tokens_in=0, tokens_out=0)

    def left(self) -> tuple[float, float]:
        """Return what is forecast."""
        under_way = [*self.waiting, *(asked for _, asked in self.running)]
        rows = self.ahead + len(under_way)
        band = self.forecast.left(rows, [self.clock - asked for asked in under_way])
        assert band is not None
        return band

    def _fill(self, now: float) -> None:
        while self.ahead and len(self.waiting) + len(self.running) < self.pace.target:
            self.waiting.append(now)
            self.ahead -= 1
        self._run(now)

    def _run(self, now: float) -> None:
        while self.waiting and len(self.running) < self.slots:
            asked = self.waiting.popleft()
            heapq.heappush(self.running, (now + self.lengths.pop(), asked))


def _of(draw: random.Random, kind: str) -> float:
    if kind == "alike":
        return 8.0
    if kind == "spread":
        return draw.lognormvariate(1.5, 1.0)
    return 40.0 if draw.random() < 0.1 else 3.0


@pytest.mark.parametrize("kind", ["alike", "spread", "a tenth is long"])
def test_it_is_right_within_a_quarter_after_a_tenth_of_the_rows(kind: str) -> None:
    found = []
    for seed in range(20):
        draw = random.Random(seed)
        engine = Simulated([_of(draw, kind) for _ in range(3000)], slots=44)
        while engine.done < 300:
            engine.second()
        began, (least, most) = engine.clock, engine.left()
        while engine.done < 3000:
            engine.second()
        left = engine.clock - began
        found.append((least + most) / 2 / left)
    right = [each for each in found if 0.75 <= each <= 1.25]
    # One seed of twenty draws its longest rows last: nothing before could say so.
    assert len(right) >= 19, sorted(found)
