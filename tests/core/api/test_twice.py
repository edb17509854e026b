"""The same line twice on a node with GPUs: the server that runs is found, whoever asks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

import aim_jupyter as aim
from aim_jupyter.core import api, serving
from aim_jupyter.core.request import Request
from aim_jupyter.labserver import handlers
from aim_jupyter.panel.state import Form
from tests.conftest import FakeEngine
from tests.core.cache.sound import sound_model
from tests.core.gpus import trees
from tests.notebook.cells import Session, session
from tests.test_cli import run
from tests.waiting import launch_ready

__all__ = ["session"]


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake: FakeEngine) -> str:
    """Return a model in a folder, on a node with two MI300X."""
    places = tmp_path / "leases"
    places.mkdir()
    places.chmod(0o1777)
    monkeypatch.setenv("AIM_LEASE_DIR", str(places))
    monkeypatch.setenv("AIM_SYS_ROOT", str(trees.written(trees.mi300x(2), tmp_path / "gpus")))
    fake(boot_s=0.1)
    return str(sound_model(tmp_path / "m"))


def names() -> list[str]:
    return sorted(folder.name for folder in serving.folders())


def test_a_line_that_runs_is_found_by_all_who_say_it_again(model: str, session: Session) -> None:
    first = launch_ready(Request(model=model))
    assert first.read().plan.gpus == (0,)
    assert api.launch(Request(model=model)).name == first.name
    said = run("launch", model)
    assert said.returncode == 0, said.stderr
    assert "runs already" in said.stdout + said.stderr
    session.run(f"%aim launch {model}")
    session.run(f"%aim launch {model}")
    assert aim.launch(model).name == first.name
    assert handlers._launch(Request(model=model)).record.name == first.name
    assert api.launch(Form(chosen=Request(model=model)).request()).name == first.name
    assert api.plan(Request(model=model)).gpus == (0,)
    assert names() == [first.name]


def test_what_is_asked_for_otherwise_is_another_server(model: str) -> None:
    first = launch_ready(Request(model=model, gpus=(0,)))
    assert api.launch(Request(model=model, gpus=(0,))).name == first.name
    assert api.launch(Request(model=model)).name == first.name
    other = api.launch(Request(model=model, gpus=(1,)))
    assert other.name != first.name
    assert other.read().plan.fingerprint == first.read().plan.fingerprint
    assert other.read().plan.command != first.read().plan.command


def test_new_starts_another_one_on_the_gpu_that_is_left(model: str) -> None:
    first = launch_ready(Request(model=model))
    second = api.launch(Request(model=model, new=True))
    assert (first.read().plan.gpus, second.read().plan.gpus) == ((0,), (1,))
    plan: Any = first.read().plan
    assert replace(plan, gpus=(1,)).command == plan.command == second.read().plan.command
