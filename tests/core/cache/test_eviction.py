"""What would go, what never goes, and what is left when it has gone."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter import demo
from aim_jupyter.core import api, cache, config, serving
from aim_jupyter.core.cache import eviction, holding, index
from aim_jupyter.core.errors import BadUsage, StateUnusable, UnknownName
from aim_jupyter.core.planning import Request
from aim_jupyter.core.records import CachedModel, EvictionRule
from tests.conftest import FakeEngine
from tests.core.cache.folders import WHOLE, cached
from tests.core.cache.sound import safetensors
from tests.waiting import launch_ready

DAY = 86400.0
NOW = 1000 * DAY

MODELS = st.lists(
    st.builds(
        CachedModel,
        model=st.text("abc", min_size=1, max_size=3),
        state=st.sampled_from(["complete", "incomplete", "downloading"]),
        size_bytes=st.integers(0, 100),
        in_use_by=st.sampled_from([None, None, "demo"]),
        pinned=st.sampled_from([False, False, True, None]),
        last_used_at=st.none() | st.floats(0, NOW),
        shared=st.sampled_from([False, False, True]),
    ),
    max_size=8,
    unique_by=lambda one: one.model,
)
RULES = st.builds(
    EvictionRule,
    models=st.lists(st.text("abc", min_size=1, max_size=3), max_size=2).map(tuple),
    older_than_s=st.none() | st.floats(0, NOW),
    keep_bytes=st.none() | st.integers(0, 300),
    free_bytes=st.none() | st.integers(0, 300),
)


def protected(model: CachedModel) -> bool:
    return bool(
        model.in_use_by or model.pinned is not False or model.shared or model.state == "downloading"
    )


@given(listed=MODELS, rule=RULES)
def test_what_is_used_pinned_shared_or_on_its_way_never_goes(
    listed: list[CachedModel], rule: EvictionRule
) -> None:
    planned = eviction.decide(listed, rule, NOW)
    by_name = {one.model: one for one in listed}
    assert sorted(one.model for one in planned) == sorted(by_name)
    assert all(one.reason for one in planned)
    for one in planned:
        if one.evict:
            assert not protected(by_name[one.model])
            assert one.frees_bytes == by_name[one.model].size_bytes
        else:
            assert one.frees_bytes == 0
        if rule.models and one.evict:
            assert one.model in rule.models


@given(listed=MODELS, keep=st.integers(0, 300))
def test_what_was_used_longest_ago_goes_first_and_no_more_than_is_asked(
    listed: list[CachedModel], keep: int
) -> None:
    planned = eviction.decide(listed, EvictionRule(keep_bytes=keep), NOW)
    gone = {one.model for one in planned if one.evict}
    ours = [one for one in listed if not one.shared]
    left = sum(one.size_bytes for one in ours if one.model not in gone)
    could = [one for one in ours if not protected(one)]
    assert left <= keep or gone == {one.model for one in could}
    if gone:
        latest = max(
            (one for one in could if one.model in gone),
            key=lambda one: (one.last_used_at or 0, one.model),
        )
        assert left + latest.size_bytes > keep
        assert all(
            (one.last_used_at or 0, one.model) >= (latest.last_used_at or 0, latest.model)
            for one in could
            if one.model not in gone
        )


@given(listed=MODELS, days=st.integers(0, 1000))
def test_older_than_means_the_last_use(listed: list[CachedModel], days: int) -> None:
    planned = eviction.decide(listed, EvictionRule(older_than_s=days * DAY), NOW)
    by_name = {one.model: one for one in listed}
    for one in planned:
        model = by_name[one.model]
        old = NOW - (model.last_used_at or 0.0) >= days * DAY
        assert one.evict == (old and not protected(model))


def test_a_plan_removes_nothing_and_yes_removes_all_of_it() -> None:
    folder = cached("Org/Model", *WHOLE)
    (config.model_cache_dir() / ".locks" / folder.name).mkdir(parents=True)
    cached("Org/Kept", *WHOLE)
    api.pin(["Org/Kept"])
    planned = api.evictions(EvictionRule(older_than_s=0))
    assert {one.model: one.evict for one in planned} == {"Org/Model": True, "Org/Kept": False}
    assert folder.exists()
    done = api.evict(planned)
    assert {one.model: one.done for one in done} == {"Org/Model": True, "Org/Kept": False}
    assert [path.name for path in config.model_cache_dir().iterdir() if "Model" in path.name] == []
    assert [one.model for one in api.models_on_disk()] == ["Org/Kept"]
    assert list((config.model_cache_dir() / ".locks").iterdir()) == []


def test_pins_are_noted_and_taken_back() -> None:
    cached("Org/Model", *WHOLE)
    assert [one.pinned for one in api.models_on_disk()] == [False]
    assert [one.pinned for one in api.pin(["Org/Model"])] == [True]
    assert [one.pinned for one in api.unpin(["Org/Model"])] == [False]
    assert index.read() == index.Index()


def test_pins_that_nobody_can_read_keep_everything() -> None:
    cached("Org/Model", *WHOLE)
    (config.model_cache_dir() / index.NAME).write_bytes(b"\xff{")
    assert [one.pinned for one in api.models_on_disk()] == [None]
    (one,) = api.evictions(EvictionRule(older_than_s=0))
    assert (one.evict, one.reason) == (False, "the index of pins can't be read")
    api.unpin(["Org/Model"])
    assert api.evictions(EvictionRule(older_than_s=0))[0].evict
    (broken,) = config.model_cache_dir().glob(f"{index.NAME}.broken-*")
    assert broken.read_bytes() == b"\xff{"


def test_an_index_of_a_newer_version_is_left_alone() -> None:
    cached("Org/Model", *WHOLE)
    file = config.model_cache_dir() / index.NAME
    file.write_text('{"version": 99, "entries": {}, "more": 1}')
    with pytest.raises(StateUnusable, match="newer"):
        api.pin(["Org/Model"])
    assert "99" in file.read_text()


def test_many_writers_lose_nothing() -> None:
    for number in range(8):
        cached(f"Org/Model{number}", *WHOLE)
    code = "import sys; from aim_jupyter.core import api; api.pin([sys.argv[1]])"
    writers = [
        subprocess.Popen([sys.executable, "-c", code, f"Org/Model{number}"]) for number in range(8)
    ]
    assert [writer.wait() for writer in writers] == [0] * 8
    assert all(one.pinned for one in api.models_on_disk())


def test_what_another_process_holds_is_in_use_and_stays() -> None:
    folder = cached("Org/Model", *WHOLE)
    planned = api.evictions(EvictionRule(older_than_s=0))
    assert planned[0].evict
    code = (
        "import sys, pathlib\n"
        "from aim_jupyter.core.cache import holding\n"
        "with holding.using(pathlib.Path(sys.argv[1])):\n"
        "    print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == b"held\n"
        (one,) = api.models_on_disk()
        assert one.in_use_by == f"pid {other.pid}"
        assert not api.evictions(EvictionRule(older_than_s=0))[0].evict
        # Also for a plan that was made before.
        (left,) = api.evict(planned)
        assert (left.done, left.reason) == (False, "somebody uses it now")
        assert folder.exists()
        other.kill()
    assert api.models_on_disk()[0].in_use_by is None
    assert api.evict(planned)[0].done


def test_a_server_holds_its_model_as_long_as_its_engine_lives(fake: FakeEngine) -> None:
    fake()
    folder = cached("Org/Model", *WHOLE)
    for name in WHOLE:
        (folder / "blobs" / name).write_bytes((demo.FOLDER / name).read_bytes())
    server = launch_ready(Request(model="Org/Model"))
    (one,) = api.models_on_disk()
    assert one.in_use_by == server.name
    assert not api.evictions(EvictionRule(models=("Org/Model",)))[0].evict
    with holding.alone(folder) as alone:
        assert not alone
    stats = api.cache_stats()
    assert (stats.hits, stats.misses, stats.hit_rate) == (1, 0, 1.0)
    assert stats.in_use_bytes == one.size_bytes
    serving.stop(server)
    with holding.alone(folder) as alone:
        assert alone
    assert api.evictions(EvictionRule(models=("Org/Model",)))[0].evict


@pytest.mark.parametrize(
    ("rule", "reason"),
    [
        (EvictionRule(older_than_s=30 * DAY), "used 3 days ago"),
        (EvictionRule(keep_bytes=10), "there is room for it"),
        (EvictionRule(models=("other",)), "not asked for"),
        (EvictionRule(models=("other",), older_than_s=DAY), "not asked for"),
    ],
)
def test_what_stays_says_what_keeps_it(rule: EvictionRule, reason: str) -> None:
    model = CachedModel(
        model="one", state="complete", size_bytes=5, pinned=False, last_used_at=NOW - 3 * DAY
    )
    (found,) = eviction.decide([model], rule, NOW)
    assert (found.evict, found.reason) == (False, reason)


def test_nothing_asked_for_is_told() -> None:
    with pytest.raises(BadUsage, match="What is to go"):
        api.evictions(EvictionRule())
    with pytest.raises(UnknownName, match="no model on disk 'Org/None'"):
        api.evictions(EvictionRule(models=("Org/None",)))


def test_verification_is_of_the_names_of_blobs_and_plain_files_may_have_none(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AIM_CACHE_PATH", str(tmp_path))
    plain = tmp_path / "Org" / "Plain"
    plain.mkdir(parents=True)
    for name in WHOLE:
        (plain / name).write_text("{}")
    (plain / "model.safetensors").write_bytes(safetensors())
    (one,) = api.verify(["Org/Plain"])
    assert one.verified is None
    (plain / "config.json").write_text('{"model_type": "llama"}')
    notes = plain / ".cache" / "huggingface" / "download"
    notes.mkdir(parents=True)
    for name in WHOLE:
        content = (plain / name).read_bytes()
        sha1 = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        (notes / f"{name}.metadata").write_text(f"{'a' * 40}\n{sha1}\n1.0\n")
    assert [one.verified for one in api.verify(["Org/Plain"])] == [True]
    (plain / "config.json").write_text("[]")
    (one,) = api.verify(["Org/Plain"])
    assert (one.verified, one.reason) == (False, "damaged: config.json")
    assert not cache.locate("Org/Plain").complete


def test_what_the_variables_say_is_shown_with_its_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HOME", "/hf")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.delenv("AIM_CACHE_DIR")
    said = {one.name: (one.value, one.source) for one in api.cache_stats().settings}
    assert said["AIM_CACHE_DIR"] == ("/hf/hub", "from HF_HOME")
    assert said["HF_DATASETS_CACHE"] == ("/hf/datasets", "from HF_HOME")
    assert said["HF_HUB_OFFLINE"] == ("1", "environment")
    assert said["HF_HUB_DISABLE_TELEMETRY"][0] == "1"
    monkeypatch.setenv("AIM_CACHE_DIR", "/mine")
    assert str(config.model_cache_dir()) == "/mine"
    monkeypatch.setenv("AIM_CACHE_ENABLED", "false")
    assert str(config.model_cache_dir()) == "/hf/hub"
    said = {one.name: (one.value, one.source) for one in api.cache_stats().settings}
    assert said["AIM_CACHE_DIR"] == ("/hf/hub", "ignored: AIM_CACHE_ENABLED is 0")


def test_a_cache_without_rights_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached("Org/Model", *WHOLE)
    planned = api.evictions(EvictionRule(models=("Org/Model",)))

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, os.strerror(1))

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(StateUnusable, match="can't be removed"):
        api.evict(planned)
