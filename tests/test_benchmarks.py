"""Every benchmark runs in its smallest size: what no test runs rots."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser.lab import chromium
from tests.conftest import use_installed_engine

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
SAID = "Smoke test in the smallest size: what follows is no measurement.\n"
#: What the others do without.
WANTS = {"start": [pytest.mark.engine], "panel": [pytest.mark.browser]}
_NAMES = sorted(path.stem for path in BENCHMARKS.glob("[a-z]*.py"))


@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", [pytest.param(name, marks=WANTS.get(name, [])) for name in _NAMES])
def test_it_runs_in_its_smallest_size(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if name == "start":
        use_installed_engine(monkeypatch)
    if name == "panel" and chromium() is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    if name == "fit" and not (BENCHMARKS.parents[1] / "shared/fixtures/fit").is_dir():
        pytest.skip("no measured starts beside this checkout")
    done = subprocess.run(
        [sys.executable, BENCHMARKS / f"{name}.py", "--smoke"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(SAID)
    assert len(done.stdout) > len(SAID)
