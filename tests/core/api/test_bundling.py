"""Bundles, as a user asks for them."""

from __future__ import annotations

from pathlib import Path

import pytest

from aim_jupyter.core import api
from aim_jupyter.core.api import bundling
from aim_jupyter.core.errors import BadUsage, ModelMissing
from aim_jupyter.core.events import listening
from aim_jupyter.core.request import Request
from tests.core.cache.conftest import hub  # noqa: F401 - a fixture
from tests.hub import Hub, model_files

DRAFTED = "Qwen/Qwen3-VL-235B-A22B-Instruct"
DRAFTER = "RedHatAI/Qwen3-VL-235B-A22B-Instruct-speculator.eagle3"


def drafting() -> str:
    """Return a recipe of the catalogue that has a drafter."""
    found = {choice.recipe.id for choice in api.judged(Request(model=DRAFTED))}
    return next(one for one in sorted(found) if bundling._drafter(DRAFTED, one))


def test_what_drafts_for_a_model_goes_along() -> None:
    wanted = list(bundling._wanted([DRAFTED], drafting()))
    assert [repo for repo, _ in wanted][1:] == [DRAFTER]


def test_a_drafter_that_is_missing_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundling, "_wanted", lambda *_: [(DRAFTER, None)])
    with pytest.raises(ModelMissing, match=r"speculator\.eagle3 lacks everything"):
        api.create_bundle([DRAFTED], tmp_path / "bundle")


def test_sizes_and_what_is_left_out_are_said_before_it_is_written(
    hub: Hub,  # noqa: F811
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub.repos["Org/Model"] = model_files()
    list(api.prefetch(["Org/Model"]))
    said: list[str] = []
    monkeypatch.setattr("aim_jupyter.core.bundle.archive.write", lambda *_: said.append("written"))
    with listening(said.append):
        api.create_bundle(["demo", "Org/Model"], tmp_path / "bundle")
    assert said[:3] == ["demo comes with the package.", "Org/Model: 0.3 MiB", "Together 0.3 MiB"]
    assert said[-1] == "written"
    assert [line for line in said if line.startswith("Left out: an engine")]


def test_a_folder_is_carried_by_hand(tmp_path: Path) -> None:
    with pytest.raises(BadUsage, match="is a folder"):
        api.create_bundle([str(tmp_path)], tmp_path / "bundle")
