"""What can be known before a start is told before it, and quickly."""

from __future__ import annotations

import json
import shutil
import socket
import time
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace

from aim_jupyter.core import api, gpus, serving
from aim_jupyter.core.api import sites
from aim_jupyter.core.errors import (
    AimError,
    BadUsage,
    GpuUnavailable,
    ModelMissing,
    PortTaken,
    StateUnusable,
)
from aim_jupyter.core.planning import preflight
from aim_jupyter.core.records import Check, Gpu, Machine, Plan
from aim_jupyter.core.request import Request
from aim_jupyter.core.sizes import GIB
from tests.conftest import FakeEngine
from tests.core.cache.sound import sound_model
from tests.core.gpus import trees
from tests.core.serving.state.test_starts import PLAN


class Use(NamedTuple):
    total: int
    used: int
    free: int


def plan_of(folder: Path, *words: str, **facts: Any) -> Plan:
    return replace(PLAN, model_path=str(folder), argv=("python", *words), **facts)


def test_a_sound_start_passes_in_well_under_a_second(tmp_path: Path) -> None:
    plan = plan_of(sound_model(tmp_path / "m"), "--max-model-len", "1024")
    began = time.process_time()
    preflight.check(plan)
    assert time.process_time() - began < 0.5


def test_a_broken_model_is_refused_before_anything_is_started(
    tmp_path: Path, fake: FakeEngine
) -> None:
    fake()
    folder = sound_model(tmp_path / "m")
    whole = (folder / "model.safetensors").read_bytes()
    (folder / "model.safetensors").write_bytes(whole[:-1])
    with pytest.raises(ModelMissing, match="is cut"):
        api.launch(Request(model=str(folder)))
    assert list(serving.folders()) == []


@pytest.mark.parametrize(
    ("length", "config", "refused"),
    [
        ("1025", {}, True),
        ("1024", {}, False),
        ("auto", {}, False),
        ("99999", {"rope_scaling": {"rope_type": "yarn", "factor": 4}}, True),
        ("99999", {"rope_parameters": {"rope_type": "default"}}, True),
        ("2000", {"text_config": {"max_position_embeddings": 1500}}, True),
        ("99999", {"max_position_embeddings": None}, False),
        ("99999", {"rope_scaling": "?"}, True),
    ],
)
def test_a_context_beyond_the_model_is_refused(
    tmp_path: Path, length: str, config: dict[str, Any], *, refused: bool
) -> None:
    folder = sound_model(tmp_path / "m")
    known = json.loads((folder / "config.json").read_bytes())
    known = {**known, "max_position_embeddings": 1024, **config}
    (folder / "config.json").write_text(json.dumps(known))
    found = list(preflight.faults(plan_of(folder, "--max-model-len", length)))
    assert [type(error) for error in found] == [BadUsage] * refused
    if refused:
        assert "--max-model-len 1" in found[0].hint


def test_a_longer_context_that_was_asked_for_by_name_passes(tmp_path: Path) -> None:
    env = {"VLLM_ALLOW_LONG_MAX_MODEL_LEN": "1"}
    plan = plan_of(sound_model(tmp_path / "m"), "--max-model-len", "9999", env=env)
    assert list(preflight.faults(plan)) == []


def test_a_recipe_that_asks_for_too_long_a_context_gets_what_the_files_allow(
    tmp_path: Path,
) -> None:
    plan = plan_of(sound_model(tmp_path / "m"), "--max-model-len", "9999", "--seed", "1")
    made = preflight.shortened(plan)
    config = json.loads((tmp_path / "m" / "config.json").read_bytes())
    limit = str(config["max_position_embeddings"])
    assert made.argv == ("python", "--max-model-len", limit, "--seed", "1")
    assert made.changes[-1].startswith(f"--max-model-len is {limit}")
    assert preflight.shortened(made) == made
    broken = plan_of(tmp_path / "nothing", "--max-model-len", "9999")
    assert preflight.shortened(broken) == broken


def test_who_has_the_port_is_said(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        plan = plan_of(sound_model(tmp_path / "m"), port=port)
        with pytest.raises(PortTaken, match=f"listens on port {port}"):
            preflight.check(plan)


def test_a_full_disk_is_told_before_the_download(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Use(9 * GIB, 8 * GIB, GIB))
    plan = replace(PLAN, model_path="Org/M", download="Org/M", download_bytes=60 * GIB)
    with pytest.raises(StateUnusable, match=r"1\.0 GiB free, 60\.0 GiB are needed") as caught:
        preflight.check(plan)
    assert "AIM_CACHE_DIR" in caught.value.found
    assert caught.value.hint == "%aim cache evict --older-than 30d"
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Use(9 * GIB, 9 * GIB, 0))
    with pytest.raises(StateUnusable, match=r"0\.2 GiB are needed"):
        preflight.check(plan_of(sound_model(tmp_path / "m")))


def test_a_gpu_that_may_not_be_opened_is_told_with_the_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = Gpu(hip_index=0, usable=False, reason="/dev/kfd: permission denied")
    monkeypatch.setattr(gpus, "machine", lambda: Machine(host="h", gpus=(closed,)))
    bad = Check(
        name="kfd",
        good=False,
        found="ann is not in group render.",
        fix="sudo usermod",
    )
    monkeypatch.setattr(gpus, "findings", lambda _: [bad])
    plan = plan_of(sound_model(tmp_path / "m"), gpus=(0,))
    with pytest.raises(GpuUnavailable, match="ann is not in group render") as caught:
        preflight.check(plan)
    assert caught.value.hint == "sudo usermod"
    monkeypatch.setattr(gpus, "findings", lambda _: [])
    with pytest.raises(GpuUnavailable, match="GPU 0: /dev/kfd: permission denied"):
        preflight.check(plan)


def test_who_asks_for_a_closed_gpu_does_not_get_the_cpu(
    tmp_path: Path, fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()
    monkeypatch.setenv("AIM_SYS_ROOT", str(trees.written(trees.mi300x(1), tmp_path / "shut")))
    seen = gpus.machine()
    shut = [replace(gpu, usable=False, reason="/dev/kfd: permission denied") for gpu in seen.gpus]
    monkeypatch.setattr(sites, "machine", lambda *_: replace(seen, gpus=tuple(shut)))
    with pytest.raises(GpuUnavailable):
        api.plan(Request(model=str(sound_model(tmp_path / "m")), gpus=(0,)))
    assert api.plan(Request(model="demo")).gpus == ()


def test_a_model_that_is_still_to_come_is_not_looked_for() -> None:
    plan = replace(PLAN, model_path="Org/M", download="Org/M")
    assert list(preflight.faults(plan)) == []


def test_every_fault_is_two_lines(tmp_path: Path) -> None:
    folder = sound_model(tmp_path / "m")
    for file in folder.iterdir():
        file.write_bytes(b"")
    found = list(preflight.faults(plan_of(folder)))
    assert len(found) > 2
    assert all(isinstance(error, AimError) and len(error.lines) == 2 for error in found)
