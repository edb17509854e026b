"""The wheel, built here, installed in an empty environment elsewhere, and used from there."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from tests.conftest import use_installed_engine

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel with the tools that are here: no network for that."""
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run(
        [*(sys.executable, "-m", "build", "--wheel", "--no-isolation"), "--outdir", folder, ROOT],
        check=True,
        capture_output=True,
    )
    (made,) = folder.glob("*.whl")
    return made


def test_it_holds_what_the_package_needs_at_run_time(wheel: Path) -> None:
    names = set(zipfile.ZipFile(wheel).namelist())
    recipes = {str(path.relative_to(ROOT)) for path in (ROOT / "recipes").rglob("*.yaml")}
    assert {f"aim_jupyter/{name}" for name in recipes} <= names
    for name in (
        "py.typed",
        "demo/model.safetensors",
        "demo/README.md",
        "core/engines/sources.toml",
        "core/serving/stages.toml",
        "core/serving/failures.toml",
        "core/serving/guard/aim_guard.py",
        "core/metrics/names.toml",
        "testing/site/vllm/entrypoints/openai/api_server.py",
    ):
        assert f"aim_jupyter/{name}" in names
    enabled = "aim_jupyter-0.1.0.data/data/etc/jupyter/jupyter_server_config.d/aim_jupyter.json"
    assert enabled in names
    assert not any(name.startswith("tests/") for name in names)


@pytest.mark.engine
@pytest.mark.timeout(600)
def test_a_server_is_launched_from_an_environment_elsewhere(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "elsewhere"
    venv.create(elsewhere, with_pip=True)
    install = [str(elsewhere / "bin/python"), "-m", "pip", "install", "--quiet", str(wheel)]
    subprocess.run(install, check=True, capture_output=True)
    use_installed_engine(monkeypatch)
    monkeypatch.chdir(tmp_path)

    def run(*words: str) -> str:
        program = [str(elsewhere / "bin/aim-engine"), *words]
        done = subprocess.run(program, capture_output=True, text=True, check=False, env=os.environ)
        assert done.returncode == 0, done.stderr
        return str(done.stdout)

    listed = subprocess.run(
        [elsewhere / "bin/jupyter", "server", "extension", "list"],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PATH": f"{elsewhere / 'bin'}:/usr/bin:/bin", "NO_COLOR": "1"},
    )
    said = re.sub(r"\x1b\[[0-9;]*m", "", listed.stdout + listed.stderr)
    assert re.search(r"aim_jupyter \S+ OK", said), said
    assert json.loads(run("recipes", "demo", "--json"))[0]["verdict"] == "FITS"
    run("launch", "demo")
    run("wait")
    assert "%aim stop" in run("chat", "--say", "How do I free a GPU?")
    run("stop")
