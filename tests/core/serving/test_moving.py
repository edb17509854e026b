"""The GPUs of a server between its plan and its lease: somebody may have been quicker."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from aim_jupyter.core import api, gpus, leases, serving
from aim_jupyter.core.records import Plan
from aim_jupyter.core.request import Request
from aim_jupyter.core.serving import ServerFolder
from aim_jupyter.core.serving.start.devices import elsewhere
from tests.conftest import FakeEngine
from tests.core.gpus import captured, trees
from tests.jupyterhub.test_hub import MODEL, SHARED, machine, put_model
from tests.waiting import until


@pytest.fixture
def node(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, fake: FakeEngine) -> None:
    """Set up a machine with three GPUs, a model and an engine."""
    fake()
    # The fake engine has none of vLLM's insides that the other ways of starting rely on.
    monkeypatch.setenv("AIM_START", "plain")
    monkeypatch.setenv("AIM_LEASE_DIR", str(tmp_path / "leases"))
    monkeypatch.setenv("AIM_SYS_ROOT", str(trees.written(trees.mi300x(3), tmp_path / "mi300x")))
    put_model()


def started(plan: Plan) -> ServerFolder:
    """Launch a plan while others hold GPU 0, and wait until the start has ended."""
    quicker = [gpu.key for gpu in gpus.machine().gpus if gpu.hip_index == 0]
    with leases.take([key for key in quicker if key], info={"server": "quicker"}):
        folder = serving.launch(plan)
        until(lambda: folder.read().state in ("running", "failed"))
    return folder


@pytest.mark.usefixtures("node")
def test_who_left_the_choice_to_us_gets_another_gpu() -> None:
    plan = api.plan(Request(model=MODEL))
    assert plan.gpus == (0,)
    record = started(plan).read()
    assert (record.state, record.plan.gpus) == ("running", (1,))
    assert any("Taking GPU 1" in event.message for event in serving.find("qwen3-8b").events.read())


@captured.needed
@pytest.mark.usefixtures("node")
def test_the_last_partition_of_a_card_is_of_one_kind_with_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIM_SYS_ROOT", str(machine(tmp_path)))
    monkeypatch.setenv("ROCR_VISIBLE_DEVICES", ",".join(map(str, SHARED)))
    plan = api.plan(Request(model=MODEL))
    assert plan.gpus == (3,)
    other = elsewhere(plan)
    assert other is not None
    sizes = {gpu.hip_index: gpu.vram_bytes for gpu in gpus.machine().gpus}
    assert sizes[other.gpus[0]] == (sizes[3] or 0) + (16 << 20)


@pytest.mark.usefixtures("node")
def test_who_asked_for_this_gpu_is_told() -> None:
    record = started(api.plan(Request(model=MODEL, gpus=(0,)))).read()
    assert (record.state, record.plan.gpus) == ("failed", (0,))
    assert "is leased by" in record.reason


@pytest.mark.usefixtures("node")
def test_without_as_many_as_it_needs_it_does_not_move() -> None:
    plan = replace(api.plan(Request(model=MODEL)), gpus=(0, 1, 2))
    record = started(plan).read()
    assert (record.state, record.plan.gpus) == ("failed", (0, 1, 2))
