"""One model in all the places that models come from."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest

from aim_jupyter.core.cache import fetching
from aim_jupyter.core.cache.fetching import Outcome
from tests.hub import Hub, model_files
from tests.s3 import Store, running_s3

WEIGHTS = "model.safetensors"
SIZE = 2 << 20

Fetch = Callable[..., Outcome]


@pytest.fixture
def files() -> dict[str, bytes]:
    """Return the files of a model of some megabytes."""
    return {**model_files(), WEIGHTS: random.Random(7).randbytes(SIZE)}


@pytest.fixture(scope="module")
def stores() -> Iterator[Store]:
    """Return one store for a module: it takes seconds to import."""
    with pytest.MonkeyPatch.context() as patch, running_s3(patch) as store:
        yield store


@pytest.fixture
def s3(stores: Store, isolated: Path, files: dict[str, bytes]) -> Store:
    """Return a store with the model in it, and nothing that goes wrong."""
    stores.before.faults.clear()
    stores.before.served.clear()
    stores.put("org/model", files)
    return stores


@pytest.fixture
def web(hub: Hub, files: dict[str, bytes], monkeypatch: pytest.MonkeyPatch) -> Hub:
    """Return a server that has the model in a folder, and as ModelScope has it."""
    hub.repos["Org/Model"] = files
    monkeypatch.setenv("MODELSCOPE_ENDPOINT", hub.url)
    return hub


@pytest.fixture
def fetch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fetch:
    """Return what downloads a model here, at once again where that fails."""
    monkeypatch.setattr("aim_jupyter.core.cache.transfer._PAUSE_S", 0)
    at_once = SimpleNamespace(**{**vars(time), "sleep": lambda _: None})
    for module in ("utils._http", "file_download"):
        monkeypatch.setattr(f"huggingface_hub.{module}.time", at_once, raising=False)
    report = tmp_path / "download.json"

    def run(repo: str, revision: str = "") -> Outcome:
        fetching.main(repo, revision, str(report))
        return msgspec.json.decode(report.read_bytes(), type=Outcome)

    return run
