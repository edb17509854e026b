"""How long the rest takes: right for an even rate, with a band for an uneven one."""

from __future__ import annotations

import pytest

from aim_jupyter.work.map.forecast import WINDOW_S, Forecast


def after(seconds: int, rate: float, *, waves: bool = False) -> Forecast:
    forecast, rows = Forecast(), 0.0
    for second in range(seconds):
        rows += rate * (1.5 if (second // 20) % 2 and waves else 0.5 if waves else 1.0)
        forecast.note(float(second), rows=int(rows), tokens_in=int(9 * rows), tokens_out=int(rows))
    return forecast


def test_nothing_is_said_before_anything_is_known() -> None:
    assert Forecast().left(10) is None
    assert after(1, 5.0).left(10) is None


@pytest.mark.parametrize("rate", [0.7, 5.0, 480.0])
def test_an_even_rate_has_a_narrow_band_with_the_truth_in_it(rate: float) -> None:
    least, most = after(int(2 * WINDOW_S), rate).left(1000) or (0.0, 0.0)
    assert 0.85 * 1000 / rate <= least <= 1.05 * 1000 / rate
    assert 0.95 * 1000 / rate <= most <= 1.2 * 1000 / rate


def test_an_uneven_rate_has_a_wide_one() -> None:
    least, most = after(int(WINDOW_S) + 1, 5.0, waves=True).left(1000) or (0.0, 0.0)
    assert least < 1000 / 5.0 < most


def test_rates_are_of_the_last_minute() -> None:
    rates = after(300, 5.0).rates()
    assert rates is not None
    assert rates == pytest.approx((5.0, 45.0, 5.0), rel=0.02)
