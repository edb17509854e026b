"""What a server needs on disk: fetched before, held while it lives."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from aim_jupyter.core.cache import holding
from aim_jupyter.core.serving.supervisor import model
from tests.render.samples import QWEN_8B


def test_a_drafter_is_fetched_after_its_model() -> None:
    plan = replace(QWEN_8B, download="Qwen/Qwen3-8B", revision="abc")
    assert list(model.absent(QWEN_8B)) == []
    assert list(model.absent(plan)) == [("Qwen/Qwen3-8B", "abc")]
    both = replace(plan, drafter_download="org/draft")
    assert list(model.absent(both)) == [("Qwen/Qwen3-8B", "abc"), ("org/draft", None)]


def test_all_folders_of_a_plan_are_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path))
    repos = [tmp_path / f"models--org--{name}" for name in ("model", "draft")]
    for repo in repos:
        (repo / "snapshots" / "abc").mkdir(parents=True)
    path, draft = (str(repo / "snapshots" / "abc") for repo in repos)
    plan = replace(QWEN_8B, model_path=path, drafter=draft, env={"HF_HUB_CACHE": str(tmp_path)})
    with model.held(plan) as handles:
        assert len(handles) == 2
        for repo in repos:
            with holding.alone(repo) as free:
                assert not free
    for repo in repos:
        with holding.alone(repo) as free:
            assert free
