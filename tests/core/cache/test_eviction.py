"""What would go, what never goes, and what is left when it has gone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core import api, config
from aim_jupyter.core.cache import eviction
from aim_jupyter.core.errors import BadUsage, StateUnusable, UnknownName
from aim_jupyter.core.records import CachedModel, EvictionRule
from tests.core.cache.folders import WHOLE, cached

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


def test_a_cache_without_rights_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cached("Org/Model", *WHOLE)
    planned = api.evictions(EvictionRule(models=("Org/Model",)))

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, os.strerror(1))

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(StateUnusable, match="can't be removed"):
        api.evict(planned)
