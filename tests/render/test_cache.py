"""The card below the table of models on disk."""

from __future__ import annotations

from aim_jupyter.core.records import CacheTotals
from aim_jupyter.render import (
    cache_card,
)
from tests.render import lists, samples
from tests.render.pages import Page


def test_cache_says_what_is_incomplete() -> None:
    card = cache_card(lists.CACHED, samples.STATUS.cache)
    for said in (card.text, Page(card.html).text):
        assert "88.4 of 131.4 GiB" in said
        assert "4 of 30 files are missing" in said
        assert "3.1 MiB" in said
        assert "1.24 TiB in 9 models · 1 incomplete · 2.61 TiB free on disk" in said
    labels = [bar["aria-label"] for bar in Page(card.html).having(role="img")]
    assert "meta-llama/Llama-3.3-70B-Instruct: 88.4 of 131.4 GiB, incomplete" in labels


def test_an_empty_cache_is_not_an_error() -> None:
    totals = CacheTotals(models=0, incomplete=0, size_bytes=0, free_bytes=samples.gib(10))
    card = cache_card((), totals)
    assert "no model yet · 10.0 GiB free on disk" in card.text
    assert "A launch downloads what it needs." in Page(card.html).text
