"""A node with two GPUs, on which the fake engine is launched."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from aim_jupyter.core import api
from aim_jupyter.core.records import Plan
from aim_jupyter.core.request import Request
from tests.conftest import FakeEngine
from tests.core.gpus import trees


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two GPUs in files, whose leases are real."""
    # A process that holds nothing: the driver tells of processes here.
    files = trees.mi300x(2) | trees.process(1, {trees.gpu_id(0): 0})
    root = trees.written(files, tmp_path / "gpus")
    place = tmp_path / "leases"
    place.mkdir()
    place.chmod(0o1777)
    monkeypatch.setenv("AIM_SYS_ROOT", str(root))
    monkeypatch.setenv("AIM_LEASE_DIR", str(place))
    return root


@pytest.fixture
def plan(machine: Path, fake: FakeEngine) -> Plan:
    fake()
    return replace(api.plan(Request(model="demo", force=True)), gpus=(1,))
