"""Figures of the cache that follow from others."""

import pytest

from aim_jupyter.core.records import CacheStats, CacheTotals


@pytest.mark.parametrize(
    ("hits", "misses", "rate"),
    [(None, None, None), (0, 0, None), (3, None, None), (3, 1, 0.75), (0, 2, 0.0)],
)
def test_no_launch_is_no_rate(hits: int | None, misses: int | None, rate: float | None) -> None:
    stats = CacheStats(
        totals=CacheTotals(models=0, incomplete=0, size_bytes=0),
        kinds=(),
        folders=(),
        settings=(),
        pinned_bytes=0,
        in_use_bytes=0,
        hits=hits,
        misses=misses,
    )
    assert stats.hit_rate == rate
