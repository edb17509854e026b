"""What all tests share: nothing of the machine's own settings, and nothing left behind."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from aim_jupyter.core import config, serving
from aim_jupyter.core.errors import AimError, ServerGone
from aim_jupyter.core.serving.start import warm
from aim_jupyter.core.serving.state.process import members
from aim_jupyter.testing import Script, fake_engine
from tests import hinting, ordeals

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

#: Seconds in which what was stopped is gone: a supervisor writes its last word first.
GONE_S = 30.0

FakeEngine = Callable[..., Path]

# Where a run was started in the background, its shell has it ignore Ctrl-C, and so its children.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what stands in the table of ordeals, and say who runs what.

    One worker runs a whole file, another one all of the real engine, one all of the browser.

    So a module's server, and the one browser, serve all tests that share them, and no two real
    engines share the cores.
    """
    for item in items:
        if any(ordeal.holds(item.nodeid) for ordeal in ordeals.table()):
            item.add_marker("ordeal")
        group = str(item.path)
        if item.get_closest_marker("engine"):
            group = "engine"
        elif "browser" in item.path.parts:
            group = "browser"
        item.add_marker(pytest.mark.xdist_group(group))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what ordeals took beside what the table says: it is what landings are planned by."""
    took_s: defaultdict[str, float] = defaultdict(float)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                took_s[report.nodeid] += report.duration
    for line in ordeals.told(took_s):
        terminalreporter.line(line)


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
        # What needs no download; the small real model has tests of its own.
        patch.setenv("AIM_DEFAULT_MODEL", "demo")
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
        warm.end()


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


@pytest.fixture(scope="session", autouse=True)
def nothing_left(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Fail a run that leaves a process behind, and end it: a warm host alone has 632 MB."""
    yield
    folder = f"{tmp_path_factory.getbasetemp()}/"
    limit = time.monotonic() + GONE_S
    while (left := processes_of(folder)) and time.monotonic() < limit:
        time.sleep(0.2)
    for pid in left:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    assert left == {}, "tests end what they start"


def processes_of(folder: str) -> dict[int, str]:
    """Return the processes that were told of a folder, by their arguments or environment."""
    found = {}
    for place in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            line = (place / "cmdline").read_bytes()
            told = line + (place / "environ").read_bytes()
            if folder.encode() in told and int(place.name) != os.getpid():
                found[int(place.name)] = line.replace(b"\0", b" ").decode(errors="replace")
    return found


@pytest.fixture(autouse=True)
def isolated(tmp_path: Path) -> Iterator[Path]:
    """Give each test a home of its own and a machine without GPUs; end what it has launched."""
    with scrubbed(tmp_path):
        yield tmp_path


@pytest.fixture(autouse=True)
def hints_run(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Take every hint that a test produces, and see that it can be typed where it is read."""
    # Not the errors: their frames would keep all that a test has made.
    made: set[str] = set()

    def keep(error: AimError, hint: str) -> None:
        vars(error)["hint"] = hint
        made.add(hint)

    kept = property(lambda error: vars(error)["hint"], keep)
    monkeypatch.setattr(AimError, "hint", kept, raising=False)
    yield
    wrong = {hint: why for hint in made if (why := hinting.wrong(hint))}
    assert wrong == {}, "a hint is a line that runs, or advice without one"


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
