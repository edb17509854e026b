"""A Hub of our own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hub import Hub, model_files, running_hub


@pytest.fixture
def hub(isolated: object, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    """A stand-in Hub that children and this process ask instead of the real one."""
    from huggingface_hub import constants  # noqa: PLC0415 - it reads the variables when imported

    with running_hub() as made:
        monkeypatch.setenv("HF_ENDPOINT", made.url)
        monkeypatch.setattr(constants, "ENDPOINT", made.url)
        monkeypatch.setattr(
            constants,
            "HUGGINGFACE_CO_URL_TEMPLATE",
            made.url + "/{repo_id}/resolve/{revision}/{filename}",
        )
        yield made


@pytest.fixture
def around(hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a folder with the cache and files that must stay as they are."""
    monkeypatch.setattr("aim_jupyter.core.cache.transfer._PAUSE_S", 0)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("AIM_CACHE_DIR", str(tmp_path / "home/cache"))
    (tmp_path / "home/cache").mkdir(parents=True)
    (tmp_path / "home/.bashrc").write_bytes(b"what was there before\n")
    hub.repos["Org/Model"] = model_files()
    return tmp_path / "home"
