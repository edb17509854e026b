"""A download that runs, and what it looks like from outside."""

from __future__ import annotations

import json
import time
from pathlib import Path
from types import SimpleNamespace

import pytest

from aim_jupyter.core import cache
from aim_jupyter.core.cache import fetching
from tests.core.cache.test_fetching import REPO, fetch
from tests.hub import COMMIT, Hub, model_files


def test_a_download_goes_on_where_it_stopped(hub: Hub, tmp_path: Path) -> None:
    hub.repos[REPO] = model_files()
    fetch(tmp_path / "report")
    hub.asked.clear()
    assert cache.locate(REPO).complete
    snapshot = Path(cache.locate(REPO).path or "")
    (snapshot / "model.safetensors").resolve().unlink()
    assert cache.locate(REPO).missing == ("model.safetensors",)
    fetch(tmp_path / "report")
    assert cache.locate(REPO).complete
    assert [asked for asked in hub.asked if asked.startswith("GET Org")] == [
        f"GET {REPO}/resolve/{COMMIT}/model.safetensors"
    ]


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let `huggingface_hub`, which waits 23 s in all before it gives up, try again at once."""
    at_once = SimpleNamespace(**{**vars(time), "sleep": lambda _: None})
    for module in ("utils._http", "utils._xet", "file_download"):
        monkeypatch.setattr(f"huggingface_hub.{module}.time", at_once, raising=False)
    monkeypatch.setattr("aim_jupyter.core.cache.transfer._PAUSE_S", 0)


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(
    ("trouble", "found", "hint"),
    [
        ((403, "GatedRepo"), "is gated", "ask for access"),
        ((401, "GatedRepo"), "is gated", "ask for access"),
        ((404, "RepoNotFound"), "needs HF_TOKEN", "%aim recipes"),
        ((500, ""), "the Hub answered 500", f"%aim launch {REPO}"),
        ((0, ""), "the connection to the Hub broke", f"%aim cache prefetch {REPO}"),
    ],
)
def test_a_download_that_fails_says_why(
    hub: Hub, tmp_path: Path, trouble: tuple[int, str], found: str, hint: str
) -> None:
    hub.repos[REPO] = model_files()
    hub.trouble["files", REPO] = trouble
    outcome = fetch(tmp_path / "report")
    assert found in outcome.error
    assert hint in outcome.hint
    assert len((outcome.error + outcome.hint).splitlines()) == 1


def test_an_error_without_words_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(fetching, "fetch", fail)
    assert fetch(tmp_path / "report").error == f"The download of {REPO} failed: RuntimeError."
    assert json.loads((tmp_path / "report").read_bytes())["hint"]
