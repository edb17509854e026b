"""What drafts for a model is found, named in the plan, and downloaded."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from aim_jupyter.core import config
from aim_jupyter.core.errors import ModelMissing
from aim_jupyter.core.planning import beside
from aim_jupyter.core.records import Plan

WORDS = ("--speculative-config", '{"method": "eagle3", "model": "some/eagle3"}')


def plan(**more: object) -> Plan:
    made = Plan(
        server="s", model="m", recipe_id="r", origin="user", engine="vllm", engine_name="e",
        engine_version="0.32.0", platform="cpu", model_path="some/model",
        argv=("python", "serve", "some/model", *WORDS),
        env={"HF_HUB_CACHE": str(config.model_cache_dir())},
    )  # fmt: skip
    return replace(made, **more)


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("AIM_CACHE_DIR", str(tmp_path))


def test_a_drafter_is_read_off_the_words() -> None:
    assert beside.drafter(plan()) == "some/eagle3"
    assert beside.drafter(plan(argv=("python", "serve", "some/model"))) == ""
    heads = ("python", "serve", "m", "--speculative-config", '{"method": "mtp"}')
    assert beside.drafter(plan(argv=heads)) == ""


def test_what_is_not_on_disk_is_downloaded_with_the_model() -> None:
    found = beside.with_drafter(plan())
    assert (found.drafter, found.drafter_download) == ("some/eagle3", "some/eagle3")
    elsewhere = beside.with_drafter(plan(), here=False)
    assert (elsewhere.drafter, elsewhere.drafter_download) == ("some/eagle3", None)


def test_a_model_in_another_place_wants_it_there_first() -> None:
    with pytest.raises(ModelMissing) as error:
        beside.with_drafter(plan(env={"HF_HUB_CACHE": "/elsewhere"}))
    assert error.value.hint == "%aim cache prefetch some/eagle3"
