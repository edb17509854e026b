"""What a server did, day by day."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core.metrics import Columns, daily

NOON = datetime(2026, 12, 1, 12, tzinfo=UTC).timestamp()
DAY = 86400.0


def test_rates_times_their_windows_are_sums_of_a_day() -> None:
    past = Columns(
        at=(NOON, NOON + 10, NOON + DAY, NOON + DAY + 10),
        fields={
            "window_s": (math.nan, 10.0, 10.0, 10.0),
            "gen_tok_s": (math.nan, 5.0, 1.0, math.nan),
            "prompt_tok_s": (math.nan, 50.0, 10.0, 1.0),
            "req_done": (0.0, 4.0, 6.0, 9.0),
            "power_w": (700.0, 720.0, math.nan, math.nan),
        },
    )
    first, second = daily(past, server="a", model="m", gpus=2)
    assert (first.day, first.requests, first.tokens_in, first.tokens_out) == (
        *("2026-12-01", 4),
        *(500, 50),
    )
    assert first.served_s == 10.0
    assert first.gpu_hours == pytest.approx(20 / 3600)
    assert first.energy_wh == pytest.approx(2.0)
    assert (second.day, second.requests, second.tokens_out, second.energy_wh) == (
        *("2026-12-02", 5),
        *(10, None),
    )


def test_what_is_not_known_is_none_and_nothing_is_no_day() -> None:
    assert daily(Columns((), {}), server="a", model="m", gpus=0) == []
    (day,) = daily(Columns((NOON,), {}), server="a", model="m", gpus=0)
    assert (day.tokens_in, day.tokens_out, day.gpu_hours, day.energy_wh) == (None,) * 4
    assert (day.requests, day.served_s) == (0, 0.0)


@given(st.lists(st.lists(st.integers(0, 50), min_size=1, max_size=20), min_size=1, max_size=4))
def test_an_engine_that_begins_anew_loses_no_request(lives: list[list[int]]) -> None:
    counts: list[float] = []
    wanted = 0
    for number, life in enumerate(lives):
        total = 0
        # The first record of each later engine is below what the one before had counted.
        for grown in life if number == 0 else [0, *life]:
            total += grown
            counts.append(float(total))
        wanted += sum(life) - (life[0] if number == 0 else 0)
    past = Columns(tuple(NOON + at for at in range(len(counts))), {"req_done": tuple(counts)})
    found = daily(past, server="a", model="m", gpus=0)
    assert sum(one.requests for one in found) == wanted
