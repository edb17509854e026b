"""What all tests share: nothing of the machine's own settings, and nothing left behind."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aim_jupyter.core import config, serving
from aim_jupyter.core.errors import ServerGone
from aim_jupyter.core.serving.process import members
from aim_jupyter.testing import Script, fake_engine

#: As the run was started: where the really installed engine is found again.
AMBIENT_DATA_DIR = os.environ.get("AIM_DATA_DIR")
AMBIENT_DATA_HOME = config.data_dir().parent

FakeEngine = Callable[..., Path]


@pytest.fixture(autouse=True)
def isolated(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give each test a home of its own and a machine without GPUs; end what it has launched."""
    for name in list(os.environ):
        if name.startswith(("AIM_", "HF_", "JUPYTERHUB_", "ROCR_", "HIP_", "CUDA_", "VLLM_")):
            monkeypatch.delenv(name)
    home = tmp_path / "home"
    home.mkdir()
    (tmp_path / "machine").mkdir()
    monkeypatch.setenv("HOME", str(home))
    for name in ("XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AIM_STATE_DIR", str(tmp_path / "state"))
    monkeypatch.setenv("AIM_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("AIM_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("AIM_SYS_ROOT", str(tmp_path / "machine"))
    yield tmp_path
    monkeypatch.setenv("AIM_STATE_DIR", str(tmp_path / "state"))
    for folder in serving.folders():
        try:
            record = serving.stop(folder, drain_s=0)
        except ServerGone:
            continue
        assert record.engine is None or members(record.engine) == []


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeEngine:
    """Return a function that installs a fake engine which behaves as told."""

    def install(**behaviour: object) -> Path:
        program = fake_engine(tmp_path, Script(**behaviour))  # type: ignore[arg-type]
        monkeypatch.setenv("AIM_ENGINE_PYTHON", str(program))
        return program

    return install


@pytest.fixture
def real_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use the really installed engine: `make engine` makes it, and CI does so each time."""
    use_installed_engine(monkeypatch)


def use_installed_engine(patch: pytest.MonkeyPatch) -> None:
    """Point at the data folder that the tests were started with."""
    if AMBIENT_DATA_DIR:
        patch.setenv("AIM_DATA_DIR", AMBIENT_DATA_DIR)
    else:
        patch.delenv("AIM_DATA_DIR", raising=False)
        patch.setenv("XDG_DATA_HOME", str(AMBIENT_DATA_HOME))
