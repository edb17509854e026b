"""A verdict's reason, in a few words."""

from __future__ import annotations

import pytest

from aim_jupyter.core import fit
from aim_jupyter.core.fit.memory.reasons import reason
from aim_jupyter.core.records.fit import Band, Fit, FitVerdict, Settings
from aim_jupyter.core.sizes import GIB
from tests.core.fit.conftest import ask


def test_reasons_are_short_enough_for_a_table() -> None:
    for model in fit.known():
        for tp in (1, 8):
            answer = ask(model, machine="mi300x:8", tp=tp)
            assert len(answer["reason"].splitlines()) <= 1
            assert answer["reason"]


def summed(verdict: FitVerdict, available: Band, need: Band, *, tp: int = 1, users: int = 1) -> Fit:
    return Fit(
        model="m", verdict=verdict, reason="", settings=Settings(tp=tp, users=users),
        available=available, need=need, concurrency=Band(1.0, 3.5),
    )  # fmt: skip


def gib(low: float, high: float) -> Band:
    return Band(low * GIB, high * GIB)


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (summed("FITS", gib(5, 5), gib(2, 2)), "3.0 GiB to spare"),
        (summed("FITS", gib(5, 5), gib(2, 2), tp=2), "3.0 GiB to spare on each GPU"),
        (summed("TIGHT", gib(1, 5), gib(2, 2)), "1.0 GiB to spare, band ±2.0 GiB"),
        (summed("NO", gib(1, 1), gib(4, 4)), "3.0 GiB of KV cache short"),
        (summed("NO", gib(1, 1), gib(4, 4), users=8), "3.0 GiB of KV cache short: 3 of 8 users"),
        (summed("NO", gib(-3, -1), gib(4, 4)), "2.0 GiB short before any KV cache"),
    ],
)
def test_a_reason_says_how_much(found: Fit, said: str) -> None:
    assert reason(found) == said


def test_without_a_sum_there_is_no_reason() -> None:
    assert reason(Fit(model="m", verdict="unknown", reason="", settings=Settings())) == ""
