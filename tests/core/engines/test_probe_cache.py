"""What is kept of the answers: each engine is asked once, until something changes."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from aim_jupyter.core.engines import ask, probe_cache

from .conftest import MakeEngine

Count = Callable[[], int]


def test_an_engine_is_asked_once(engine: MakeEngine, starts: Count) -> None:
    python = engine()
    assert ask(python) == ask(python)
    assert starts() == 1


def test_a_changed_interpreter_is_asked_again(engine: MakeEngine, starts: Count) -> None:
    python = engine()
    ask(python)
    os.utime(python, ns=(1, 1))
    ask(python)
    assert starts() == 2


def test_a_package_installed_beside_the_engine_is_noticed(
    engine: MakeEngine, starts: Count, tmp_path: Path
) -> None:
    python = engine(tmp_path / "env/bin/python")
    packages = tmp_path / "env/lib/python3.11/site-packages"
    (packages / "vllm-0.31.0.dist-info").mkdir(parents=True)
    ask(python)
    (packages / "a_plugin").mkdir()
    ask(python)
    (packages / "vllm-0.31.0.dist-info").rename(packages / "vllm-0.32.0.dist-info")
    ask(python)
    assert starts() == 3


def test_a_driver_that_appears_is_noticed(
    engine: MakeEngine, starts: Count, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIM_SYS_ROOT", str(tmp_path))
    python = engine()
    ask(python)
    (tmp_path / "dev/kfd").mkdir(parents=True)
    ask(python)
    assert starts() == 2


def test_fresh_asks_again(engine: MakeEngine, starts: Count) -> None:
    python = engine()
    ask(python)
    ask(python, fresh=True)
    assert starts() == 2


def test_a_failure_is_believed_for_minutes_only(
    engine: MakeEngine, starts: Count, monkeypatch: pytest.MonkeyPatch
) -> None:
    python = engine(platform="none")
    ask(python)
    ask(python)
    assert starts() == 1
    monkeypatch.setattr(probe_cache, "FAILURE_LIFE_S", 0.0)
    ask(python)
    assert starts() == 2


def test_a_damaged_file_is_no_answer(engine: MakeEngine, starts: Count, tmp_path: Path) -> None:
    python = engine()
    ask(python)
    (kept,) = (tmp_path / "data/asked").iterdir()
    kept.write_bytes(kept.read_bytes()[:100])
    assert not ask(python).reason
    assert starts() == 2


def test_without_a_place_to_keep_it_the_engine_is_asked_again(
    engine: MakeEngine, starts: Count, tmp_path: Path
) -> None:
    for folder in ("data", "state"):
        (tmp_path / folder).mkdir(exist_ok=True)
        (tmp_path / folder / "asked").touch()
    python = engine()
    assert not ask(python).reason
    assert not ask(python).reason
    assert starts() == 2


def test_beside_a_data_folder_of_another_user_it_is_kept_with_the_state(
    engine: MakeEngine, starts: Count, tmp_path: Path
) -> None:
    (tmp_path / "data").touch()
    python = engine()
    assert not ask(python).reason
    assert not ask(python).reason
    assert starts() == 1
