"""The bounds in pyproject.toml are true: with the oldest that it names, and the newest of all."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[1]
LOCK = ROOT / "locks" / "developer.txt"
UV = Path(sys.executable).with_name("uv")
#: What the tests need besides.
TOOLS = (
    *("hypothesis", "pexpect", "playwright", "polars", "pyarrow"),
    *("pytest", "pytest-timeout", "pytest-xdist"),
)
#: Where what we depend on is used; servers and engines are the same whatever its release.
FAST = (
    *(f"tests/core/{name}" for name in ("checkpoint", "choice", "fit", "metrics", "planning")),
    *("tests/core/recipes", "tests/core/test_files.py", "tests/core/test_config.py"),
    *(f"tests/{name}" for name in ("cli", "commands", "labserver", "notebook", "panel")),
    *(f"tests/{name}" for name in ("render", "tables", "verbs")),
)


def test_the_lock_has_all_that_the_project_asks_for() -> None:
    locked = dict(re.findall(r"^([\w.-]+)==([^ ;]+)", LOCK.read_text(), re.MULTILINE))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    for line in (*project["project"]["dependencies"], *project["dependency-groups"]["dev"]):
        asked = Requirement(line)
        version = locked.get(asked.name)
        assert version is not None, f"{asked.name} is not locked: make lock"
        assert asked.specifier.contains(version), f"{line}, locked is {version}: make lock"


@pytest.mark.timeout(1800)
@pytest.mark.skipif(not UV.exists(), reason="uv is not in this environment: make setup")
@pytest.mark.parametrize("resolution", ["lowest-direct", "highest"])
def test_the_fast_tests_pass(resolution: str, tmp_path: Path) -> None:
    python = tmp_path / "venv/bin/python"
    pins = tmp_path / "pins.txt"
    asked = ("pyproject.toml", "--extra", "plot", "--resolution", resolution, "--quiet")
    uv("pip", "compile", *asked, "--python", sys.executable, "--output-file", pins)
    uv("venv", "--quiet", "--python", sys.executable, tmp_path / "venv")
    uv("pip", "install", "--quiet", "--python", python, "--requirement", pins, *TOOLS)
    uv("pip", "install", "--quiet", "--python", python, "--no-deps", "--editable", ROOT)
    # Old releases warn of what newer Pythons will drop: that is no matter of ours.
    lax = ("-o", "filterwarnings=default") if resolution == "lowest-direct" else ()
    words = ("-m", "not ordeal and not engine and not browser", "-n2", "-p", "no:cacheprovider")
    done = subprocess.run(
        [python, "-m", "pytest", "-q", *words, *lax, *FAST],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")},
        capture_output=True,
        text=True,
        check=False,
    )
    print(pins.read_text(), done.stdout)  # noqa: T201 - pytest shows it on a failure
    assert done.returncode == 0


def uv(*words: str | Path) -> None:
    """Run uv in the project."""
    subprocess.run([UV, *words], cwd=ROOT, check=True)
