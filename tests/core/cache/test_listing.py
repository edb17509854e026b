"""What the cache holds, as a user sees it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from aim_jupyter.core import cache, config
from aim_jupyter.core.sizes import GIB
from tests.core.cache.folders import COMMIT, WHOLE, cached


def test_an_empty_cache_lists_nothing_and_is_not_made() -> None:
    assert cache.models() == []
    totals = cache.totals([])
    assert (totals.models, totals.size_bytes) == (0, 0)
    assert totals.free_bytes is not None
    assert not config.model_cache_dir().exists()


def test_a_model_is_listed_with_its_size_its_files_and_who_uses_it() -> None:
    folder = cached("Org/Model", *WHOLE)
    (one,) = cache.models(in_use={str(folder): "demo"})
    assert (one.model, one.state, one.in_use_by) == ("Org/Model", "complete", "demo")
    assert one.size_bytes == sum(path.stat().st_size for path in (folder / "blobs").iterdir())
    assert (one.files, one.files_missing, one.reason) == (3, 0, None)
    assert one.revision == COMMIT
    assert one.last_used_at is not None


def test_the_largest_comes_first_and_other_folders_are_not_models() -> None:
    cached("small/one", "config.json")
    cached("large/one", *WHOLE, "more-than-that.json")
    cached("no-organisation", *WHOLE)
    (config.model_cache_dir() / "datasets--some--set").mkdir()
    (config.model_cache_dir() / "version.txt").write_text("1")
    listed = cache.models()
    assert [one.model for one in listed] == [
        *("large/one", "no-organisation", "small/one", "some/set"),
    ]
    assert [one.kind for one in listed] == ["model", "model", "config", "dataset"]
    assert cache.totals(listed).models == 3


def test_what_is_missing_is_said() -> None:
    cached("Org/Model", "config.json")
    (one,) = cache.models()
    assert one.state == "incomplete"
    assert one.reason == "missing: tokenizer.json, model.safetensors"
    assert one.files_missing == 2
    assert cache.totals([one]).incomplete == 1


def test_an_unfinished_file_counts_by_what_has_come_and_once() -> None:
    folder = cached("Org/Model", "config.json", "tokenizer.json")
    (before,) = cache.models()
    with (folder / "blobs" / "abc.incomplete").open("wb") as file:
        file.truncate(GIB)
        file.write(bytes(1 << 16))
    (one,) = cache.models()
    assert one.files_missing == 1
    assert 1 << 16 <= one.size_bytes - before.size_bytes < 1 << 20
    assert one.state == "incomplete"


def test_a_model_of_another_revision_only_is_there() -> None:
    cached("Org/Model", "config.json", commit="b" * 40, ref="old")
    old = config.model_cache_dir() / "models--Org--Model" / "snapshots" / ("b" * 40)
    os.utime(old, (1, 1))
    cached("Org/Model", *WHOLE[1:], "generation_config.json", ref="v2")
    (one,) = cache.models()
    assert one.revision == COMMIT
    assert one.files == 3


@pytest.mark.parametrize("damage", ["nothing inside", "a file", "links in a circle"])
def test_damage_hides_no_other_model(damage: str) -> None:
    cached("Org/Good", *WHOLE)
    bad: Path = config.model_cache_dir() / "models--Org--Bad"
    if damage == "a file":
        bad.write_text("x")
    elif damage == "nothing inside":
        bad.mkdir()
    else:
        bad.symlink_to(bad)
    listed = {one.model: one.state for one in cache.models()}
    assert listed["Org/Good"] == "complete"
    assert listed["Org/Bad"] == "incomplete"


def test_each_says_where_it_came_from() -> None:
    cached("Org/Model", *WHOLE)
    cached("s3://models/x", *WHOLE)
    for name, noted in (("Org/Plain", ""), ("Org/Packed", "package:x==1\n0\n0\n")):
        folder = config.model_cache_dir() / name
        (folder / ".cache/huggingface/download").mkdir(parents=True)
        (folder / "config.json").write_text("{}")
        (folder / ".cache/huggingface/download/config.json.metadata").write_text(noted)
    assert {one.model: one.source for one in cache.models()} == {
        "Org/Model": "hub",
        "Org/Packed": "package",
        "Org/Plain": "folder",
        "s3://models/x": "s3",
    }
