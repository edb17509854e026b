"""The card of the caches as a whole."""

from __future__ import annotations

from msgspec.structs import replace

from aim_jupyter.render import (
    stats_card,
)
from tests.render import disk
from tests.render.pages import Page


def test_stats_say_how_much_where_and_what_is_set_by_whom() -> None:
    card = stats_card(disk.STATS)
    for line in (
        "Kinds    3 configs under 0.1 MiB · 1 dataset 4.2 GiB · 9 models 1.21 TiB",
        "Kept     76.3 GiB in use · 61.0 GiB pinned",
        "Launches 31 of 34 found their model on disk (91 %)",
        "         /shared/models  1.03 TiB in 7 repositories · shared, only read",
        "Compiled vllm-0.32.0 0.1 GiB · torch_compile_cache 1.4 GiB",
    ):
        assert line in card.text.splitlines()
    rows = [row.text for row in Page(card.html).named("tr")]
    assert "AIM_SHARED_CACHE_DIR/shared/modelsenvironment" in rows


def test_stats_do_not_count_what_nobody_knows() -> None:
    card = stats_card(replace(disk.NO_STATS, hits=None))
    assert "Launches not known: cache_index.json can't be read" in card.text
    assert "Launches none yet" in stats_card(disk.NO_STATS).text
    assert "nothing in it" in stats_card(disk.NO_STATS).text
