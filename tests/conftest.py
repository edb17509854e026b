"""What all tests share: nothing of the machine's own settings, and nothing left behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from aim_jupyter.core import config, serving
from aim_jupyter.core.errors import ServerGone
from aim_jupyter.core.serving.process import members
from aim_jupyter.testing import Script, fake_engine

# How long an example takes says how busy the machine is, not whether the code is right. And what
# lands must not hang on luck: `HYPOTHESIS_PROFILE=searching` draws other examples each time.
for name, derandomize in (("untimed", True), ("searching", False)):
    hypothesis.settings.register_profile(
        name,
        deadline=None,
        derandomize=derandomize,
        suppress_health_check=[hypothesis.HealthCheck.too_slow],
    )
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "untimed"))

#: As the run was started: where the really installed engine is found again.
AMBIENT_DATA_DIR = os.environ.get("AIM_DATA_DIR")
AMBIENT_DATA_HOME = config.data_dir().parent
#: Where vLLM keeps what it has learned of a model's code: learning it anew takes ten seconds.
AMBIENT_VLLM_CACHE = os.environ.get("VLLM_CACHE_ROOT") or str(Path.home() / ".cache" / "vllm")

FakeEngine = Callable[..., Path]

# Where a run was started in the background, its shell has it ignore Ctrl-C, and so its children.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let one worker run a whole file, another one all of the real engine, one all of the browser.

    So a module's server, and the one browser, serve all tests that share them, and no two real
    engines share the cores.
    """
    for item in items:
        group = str(item.path)
        if item.get_closest_marker("engine"):
            group = "engine"
        elif "browser" in item.path.parts:
            group = "browser"
        item.add_marker(pytest.mark.xdist_group(group))


@contextlib.contextmanager
def scrubbed(folder: Path) -> Iterator[pytest.MonkeyPatch]:
    """Set up a home of its own and a machine without GPUs; in the end, end what was launched."""
    with pytest.MonkeyPatch.context() as patch:
        for name in list(os.environ):
            if name.startswith(("AIM_", "HF_", "JUPYTERHUB_", "ROCR_", "HIP_", "CUDA_", "VLLM_")):
                patch.delenv(name)
        for name in ("XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
            patch.delenv(name, raising=False)
        for name in ("home", "machine"):
            (folder / name).mkdir()
        patch.setenv("HOME", str(folder / "home"))
        patch.setenv("AIM_SYS_ROOT", str(folder / "machine"))
        # Nothing that waits for a next launch; what does has tests of its own.
        patch.setenv("AIM_START", "lean")
        for name in ("state", "data", "cache"):
            patch.setenv(f"AIM_{name.upper()}_DIR", str(folder / name))
        yield patch
        patch.setenv("AIM_STATE_DIR", str(folder / "state"))
        for server in serving.folders():
            try:
                record = serving.stop(server, drain_s=0)
            except ServerGone:
                continue
            assert record.engine is None or members(record.engine) == []


def tidied(folder: Path) -> None:
    """End what was launched on a machine that `scrubbed` has set up, and forget all it has learned.

    So that tests can share what takes long to start there, and each finds it as the first did.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIM_STATE_DIR", str(folder / "state"))
        for server in serving.folders():
            serving.stop(server, drain_s=0)
    for name in ("state", "data", "cache"):
        shutil.rmtree(folder / name, ignore_errors=True)


@pytest.fixture(autouse=True)
def isolated(tmp_path: Path) -> Iterator[Path]:
    """Give each test a home of its own and a machine without GPUs; end what it has launched."""
    with scrubbed(tmp_path):
        yield tmp_path


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
    patch.setenv("VLLM_CACHE_ROOT", AMBIENT_VLLM_CACHE)
    if AMBIENT_DATA_DIR:
        patch.setenv("AIM_DATA_DIR", AMBIENT_DATA_DIR)
    else:
        patch.delenv("AIM_DATA_DIR", raising=False)
        patch.setenv("XDG_DATA_HOME", str(AMBIENT_DATA_HOME))
