"""The models on disk, from Python."""

from __future__ import annotations

import pytest

from aim_jupyter.core.errors import AimError, BadUsage
from aim_jupyter.tables.columns import COLUMNS
from aim_jupyter.verbs import caching
from tests.core.cache.folders import WHOLE, cached


def test_an_empty_cache_is_an_empty_table() -> None:
    assert caching.cache().empty
    assert tuple(caching.cache().columns) == COLUMNS["cache"]
    assert caching.cache_stats().totals.models == 0


def test_pinned_stays_until_it_is_unpinned_and_goes_with_yes_alone() -> None:
    cached("own/model", *WHOLE)
    assert caching.cache().index.tolist() == ["own/model"]
    assert caching.cache_pin("own/model")["pinned"].tolist() == [True]
    assert caching.cache_evict("own/model")["evict"].tolist() == [False]
    caching.cache_unpin("own/model")
    assert caching.cache_evict("own/model")["evict"].tolist() == [True]
    assert len(caching.cache()) == 1
    caching.cache_evict("own/model", yes=True)
    assert caching.cache().empty


def test_what_ships_with_the_package_starts_without_network() -> None:
    assert caching.cache_why("demo").can_start


def test_a_model_that_is_not_there_is_told() -> None:
    for verb in (caching.cache_pin, caching.cache_unpin, caching.cache_verify):
        with pytest.raises(AimError, match="own/none"):
            verb("own/none")
    with pytest.raises(BadUsage):
        caching.cache_evict(yes=True)
