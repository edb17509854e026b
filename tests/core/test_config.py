"""Where things are, and which variable moves each."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from aim_jupyter.core import config


@pytest.fixture
def bare(isolated: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home in which no variable of ours is set."""
    for name in ("AIM_STATE_DIR", "AIM_DATA_DIR", "AIM_CACHE_DIR", "AIM_SYS_ROOT"):
        monkeypatch.delenv(name)
    return isolated / "home"


def test_the_defaults_are_those_of_the_table(bare: Path) -> None:
    assert config.data_dir() == bare / ".local/share/aim_jupyter"
    assert config.state_dir() == bare / ".local/state/aim_jupyter"
    assert config.model_cache_dir() == bare / ".cache/huggingface/hub"
    assert config.servers_dir().parent == config.state_dir()
    assert config.engines_dir().parent == config.data_dir()
    assert config.engine_python() is None
    assert config.sys_root() == Path("/")
    assert len(config.recipe_dirs()) == 1


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"XDG_CACHE_HOME": "/x"}, "/x/huggingface/hub"),
        ({"XDG_CACHE_HOME": "/x", "HF_HOME": "/h"}, "/h/hub"),
        ({"HF_HOME": "/h", "HF_HUB_CACHE": "/c"}, "/c"),
        ({"HF_HUB_CACHE": "/c", "AIM_CACHE_DIR": "/a"}, "/a"),
        ({"HF_HUB_CACHE": ""}, "~/.cache/huggingface/hub"),
        ({"HF_HOME": "~/models"}, "~/models/hub"),
    ],
)
def test_the_nearer_variable_wins_for_the_model_cache(
    bare: Path, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert str(config.model_cache_dir()) == expected.replace("~", str(bare))


def test_a_relative_folder_is_one_place_for_notebook_and_engine(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(bare)
    monkeypatch.setenv("AIM_CACHE_DIR", "models")
    monkeypatch.setenv("AIM_ENGINE_PYTHON", "env/bin/python")
    assert config.model_cache_dir() == bare / "models"
    assert config.engine_python() == bare / "env/bin/python"


def test_an_interpreter_keeps_its_link(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Resolved, a venv's python would be the system's, without the engine.
    (bare / "python").symlink_to(sys.executable)
    monkeypatch.setenv("AIM_ENGINE_PYTHON", str(bare / "python"))
    assert config.engine_python() == bare / "python"


def test_the_home_of_nobody_is_no_traceback(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIM_STATE_DIR", "~nobody-of-that-name/state")
    assert config.state_dir().name == "state"


def test_recipe_folders_are_the_packages_then_the_users(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIM_RECIPES_PATH", "/one::~/two")
    assert config.recipe_dirs() == [config.shipped_recipes(), Path("/one"), bare / "two"]
    assert config.shipped_recipes().is_dir()


def test_asking_makes_no_folder(bare: Path) -> None:
    code = (
        "from aim_jupyter.core import config as c\n"
        "c.data_dir(), c.state_dir(), c.model_cache_dir(), c.servers_dir(), c.recipe_dirs()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
    assert list(bare.iterdir()) == []
