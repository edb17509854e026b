"""The wheel, built here, installed in an empty environment elsewhere, and used from there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

import aim_jupyter
from tests.conftest import use_installed_engine

ROOT = Path(__file__).parents[1]
SIDEBAR = "share/jupyter/labextensions/aim-jupyter"
_NOT_SOURCES = shutil.ignore_patterns("node_modules", "lib")


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
    names = names_in(wheel)
    recipes = {str(path.relative_to(ROOT)) for path in (ROOT / "recipes").rglob("*.yaml")}
    assert {f"aim_jupyter/{name}" for name in recipes} <= names
    for name in (
        "py.typed",
        "demo/model.safetensors",
        "demo/README.md",
        "core/engines/sources.toml",
        "core/devices.toml",
        "core/adapters/vllm/engine.toml",
        "core/adapters/vllm/describe.py",
        "core/adapters/vllm/stages.toml",
        "core/serving/crash/rules/model.toml",
        "core/serving/crash/signs.toml",
        "core/serving/guard/aim_guard.py",
        "core/adapters/vllm/metrics.toml",
        "testing/site/vllm/entrypoints/openai/api_server.py",
    ):
        assert f"aim_jupyter/{name}" in names
    enabled = "aim_jupyter-0.1.0.data/data/etc/jupyter/jupyter_server_config.d/aim_jupyter.json"
    assert enabled in names
    assert not any(
        name.startswith(("tests/", "demo/")) or name.endswith("train.py") for name in names
    )


def names_in(wheel: Path) -> set[str]:
    return set(zipfile.ZipFile(wheel).namelist())


def test_it_brings_the_sidebar_as_it_was_built_for_this_version(wheel: Path) -> None:
    (about,) = [name for name in names_in(wheel) if name.endswith(f"{SIDEBAR}/package.json")]
    told = json.loads(zipfile.ZipFile(wheel).read(about))
    assert told["version"] == wheel.name.split("-")[1] == aim_jupyter.__version__
    held = {name.split(f"{SIDEBAR}/")[1] for name in names_in(wheel) if f"{SIDEBAR}/" in name}
    assert told["jupyterlab"]["_build"]["load"] in held
    assert {"install.json", "schemas/aim-jupyter/site.json"} <= held
    # The development's own: source maps, the log of the build.
    assert not any(name.endswith(".map") or name == "build_log.json" for name in held)


@pytest.mark.parametrize(
    ("says", "found"),
    [
        (None, "there is no node here.\nTry: apt-get install nodejs npm"),
        ("v18.19.0", "node v18.19.0 is too old.\nTry: a node of 20.19 or later"),
    ],
)
def test_without_a_node_the_wheel_is_not_built_and_says_why(
    tmp_path: Path, says: str | None, found: str
) -> None:
    source, programs = tmp_path / "source", tmp_path / "bin"
    shutil.copytree(ROOT / "labextension", source / "labextension", ignore=_NOT_SOURCES)
    (source / "aim_jupyter").mkdir()
    for name in ("pyproject.toml", "README.md", "LICENSE", "aim_jupyter/__init__.py"):
        shutil.copy(ROOT / name, source / name)
    programs.mkdir()
    if says is not None:
        (programs / "node").write_text(f"#!/bin/sh\necho {says}\n")
        (programs / "node").chmod(0o755)
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--skip-dependency-check"]
    environment = {**os.environ, "PATH": str(programs)}
    done = subprocess.run(
        [*build, source], capture_output=True, text=True, check=False, env=environment
    )
    assert done.returncode != 0
    assert f"The sidebar of JupyterLab can't be built: {found}" in done.stdout + done.stderr
    assert not list(source.glob("dist/*.whl"))


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
    # Neither node nor anything else of this machine is reached.
    alone = {**os.environ, "PATH": str(elsewhere / "bin")}
    for what, name in (("labextension", "aim-jupyter"), ("server extension", "aim_jupyter")):
        words = [str(elsewhere / "bin/jupyter"), *what.split(), "list"]
        listed = subprocess.run(words, capture_output=True, text=True, check=True, env=alone)
        assert re.search(rf"{name} v?{aim_jupyter.__version__}.*OK", listed.stdout + listed.stderr)

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
