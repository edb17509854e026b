"""The sum of a verdict: its figures are amounts, and say nothing that the verdict denies."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core.records import Choice
from aim_jupyter.core.records.recipe import Verdict
from aim_jupyter.core.sizes import GIB
from aim_jupyter.render import fitbar
from tests.render.fits import recipe

_SIZES = st.integers(0, 700 * GIB)
_BELOW_ZERO = re.compile(r"(?<![\w.\-])-\d")


def choice(verdict: Verdict, total: int, *sizes: int) -> Choice:
    weights, kv, need, over = sizes
    return Choice(
        recipe=recipe("mi300x-fp8-tp1"),
        verdict=verdict,
        reason="why it is so",
        total_bytes=total,
        weights_bytes=weights,
        kv_bytes=kv,
        kv_need_bytes=need,
        overhead_bytes=over,
    )


@given(
    verdict=st.sampled_from(["FITS", "TIGHT", "NO"]),
    total=st.integers(GIB, 512 * GIB),
    sizes=st.tuples(_SIZES, _SIZES, _SIZES, _SIZES),
)
def test_no_figure_is_below_zero_and_nothing_is_to_spare_where_it_does_not_fit(
    verdict: Verdict, total: int, sizes: tuple[int, int, int, int]
) -> None:
    shown = choice(verdict, total, *sizes)
    for text in (*fitbar.text(shown), str(fitbar.sentence(shown)), str(fitbar.bar(shown))):
        words = re.sub(r"<[^>]*>|-gradient\([^)]*\)", " ", text)
        assert not _BELOW_ZERO.search(words), text
        assert not (verdict == "NO" and "to spare" in words), text


def test_a_sum_that_is_more_than_there_is_says_so() -> None:
    lines = fitbar.text(choice("NO", 2 * GIB, 3 * GIB, 2 * GIB, GIB, GIB))
    assert lines[1:] == [
        "  3.0 weights + 2.0 KV cache + 1.0 overhead = 6.0 GiB, of 2.0 GiB",
        "  why it is so",
    ]
