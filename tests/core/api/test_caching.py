"""The caches: filled before a launch, verified, pinned, and asked what is missing."""

from __future__ import annotations

from pathlib import Path

import pytest

from aim_jupyter import demo
from aim_jupyter.core.api import caching
from aim_jupyter.core.errors import BadUsage, ModelMissing, UnknownName
from aim_jupyter.core.records import EvictionRule
from tests.core.cache.folders import WHOLE, cached
from tests.core.cache.sound import sound_model


def test_what_a_launch_would_take_is_what_is_fetched() -> None:
    assert caching.weights_of("demo") is None  # it comes with the package
    unknown = caching.weights_of("own/model", revision="v1")
    assert unknown is not None
    assert (unknown.repo, unknown.revision) == ("own/model", "v1")
    known = caching.weights_of("Qwen/Qwen3-8B")
    assert known is not None
    assert known.repo.startswith("Qwen/Qwen3-8B")
    assert list(caching.prefetch(["demo"])) == []


def test_a_folder_is_on_disk_and_is_not_fetched(tmp_path: Path) -> None:
    with pytest.raises(BadUsage, match="is a folder") as caught:
        caching.weights_of(str(tmp_path))
    assert caught.value.hint == f"%aim launch {tmp_path}"


def test_whether_a_folder_can_start_is_said_with_what_it_lacks(tmp_path: Path) -> None:
    whole = sound_model(tmp_path / "whole")
    assert caching.can_start(str(whole)).can_start
    (whole / "config.json").unlink()
    broken = caching.can_start(str(whole))
    assert not broken.can_start
    assert broken.missing == ("config.json",)
    with pytest.raises(ModelMissing, match="There is no folder"):
        caching.can_start(str(tmp_path / "none"))
    assert caching.can_start("demo").path == str(demo.FOLDER)


def test_pins_and_kinds_are_counted() -> None:
    cached("own/model", *WHOLE)
    assert caching.cache_stats().pinned_bytes == 0
    (one,) = caching.pin(["own/model"])
    assert one.pinned
    stats = caching.cache_stats()
    assert stats.pinned_bytes == one.size_bytes > 0
    assert [(each.kind, each.repos) for each in stats.kinds] == [("model", 1)]
    assert [each.repos for each in stats.folders] == [1]
    (one,) = caching.unpin(["own/model"])
    assert not one.pinned


def test_a_name_that_is_not_on_disk_gives_the_nearest() -> None:
    cached("own/model", *WHOLE)
    with pytest.raises(UnknownName) as caught:
        caching.pin(["own/modle"])
    assert caught.value.nearest == ["own/model"]
    with pytest.raises(UnknownName):
        caching.evictions(EvictionRule(models=("none",)))
    with pytest.raises(BadUsage, match="What is to go"):
        caching.evictions(EvictionRule())


def test_reading_through_names_what_is_damaged() -> None:
    cached("own/model", *WHOLE)
    (found,) = caching.verify(["own/model"])
    assert found.model == "own/model"
