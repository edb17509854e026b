"""The variables that say where models lie, and their sources."""

from __future__ import annotations

import pytest

from aim_jupyter.core import api, config


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
