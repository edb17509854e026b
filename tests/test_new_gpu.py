"""A row in the table of GPUs is all that a new model needs, to be detected and to be exported."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from aim_jupyter.core import devices, gpus
from aim_jupyter.core.recipes import catalogue
from aim_jupyter.core.recipes.arguments.variables import read
from aim_jupyter.core.recipes.files import authoring
from aim_jupyter.core.recipes.files.export import export
from aim_jupyter.core.records import Cpu, EngineEnvironment, Gpu, Machine
from aim_jupyter.core.sizes import GIB
from tests.core.conftest import box, rank
from tests.core.conftest import vllm as recorded
from tests.core.gpus import trees
from tests.core.recipes.files import test_export

ROW = """
[[device]]
ids = ["0x76a0"]
model = "MI400X"
name = "AMD Instinct MI400X"
gfx = "gfx1250"
vram_gib = 432
source = "made up"
cu = 256
xcc = 8
fp8 = "ocp"
mx = true
fabric = "xgmi"
recipes = "MI400X"
like = "MI355X"
aiter = true
"""
MODEL = "Qwen/Qwen3-32B"
vllm = recorded


@pytest.fixture(autouse=True)
def table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "new.toml"
    path.write_text(ROW)
    monkeypatch.setenv("AIM_DEVICES_PATH", str(path))
    return path


def aim(*words: str, sys_root: Path | None = None) -> Any:
    """Return what the command answers with ``--json``."""
    root = {"AIM_SYS_ROOT": str(sys_root)} if sys_root else {}
    done = subprocess.run(
        [sys.executable, "-m", "aim_jupyter", *words, "--json"],
        env={**os.environ, **root},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def node(folder: Path) -> Path:
    """Return the root of a machine with two of them."""
    files = trees.mi300x(2)
    for path, text in files.items():
        for old, new in ((b"device_id 29857", b"device_id 30368"), (b"0x74a1", b"0x76a0")):
            text = text.replace(old, new)  # noqa: PLW2901 - one after the other
        files[path] = text.replace(b"gfx_target_version 90402", b"gfx_target_version 120500")
    return trees.written(files, folder)


def test_it_is_detected_and_chosen(tmp_path: Path) -> None:
    root = node(tmp_path / "root")
    found = aim("gpus", sys_root=root)
    assert [gpu["model"] for gpu in found] == ["MI400X", "MI400X"]
    first = aim("recipes", MODEL, sys_root=root)[0]
    assert (first["recipe"], first["verdict"]) == ("mi400x-bf16-tp1", "FITS")


def test_it_is_simulated_planned_and_fitted() -> None:
    plan = aim("plan", MODEL, "--machine", "mi400x:8")
    assert "mi400x-bf16-tp1" in str(plan)
    assert "VLLM_ROCM_USE_AITER" in str(plan)
    assert aim("fit", MODEL, "--machine", "mi400x:8")["verdict"] == "FITS"


def test_its_recipe_is_written_accepted_and_exported(
    tmp_path: Path, vllm: EngineEnvironment
) -> None:
    model = catalogue().find(MODEL)
    recipe = rank(model, box("MI400X"))[0].recipe
    path = tmp_path / "mine.yaml"
    path.write_text(authoring.new(model, recipe))
    (mine,) = authoring.check(path).recipes
    assert mine.gpu_model == "MI400X"
    assert mine.args == recipe.args
    plan, chosen = test_export.plan(MODEL, vllm, "MI400X")
    profile = export(plan, chosen, "aim-profile")
    assert "gpu: MI400X" in profile
    path.with_name("profile.yaml").write_text(profile)
    assert authoring.check(path.with_name("profile.yaml")).recipes[0].gpu_model == "MI400X"
    assert read({"AIM_GPU_MODEL": "mi400x"})["AIM_GPU_MODEL"] == "MI400X"


def test_by_rule_it_gets_what_its_row_says() -> None:
    model = catalogue().find("mistralai/Mistral-Small-3.2-24B-Instruct-2506")
    derived = next(one for one in rank(model, box("MI400X")) if one.gpus).recipe
    assert derived.gpu_model == "MI400X"
    assert derived.env["VLLM_ROCM_USE_AITER"] == "1"


def test_without_the_row_nothing_of_it_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AIM_DEVICES_PATH")
    assert devices.device("0x76a0") is None
    assert devices.kind_name("MI400X") is None


def strange(*, hidden: bool = False, **facts: Any) -> Machine:
    """Return a machine with a GPU that no table has."""
    known = {"name": "AMD Instinct MI999", "pci_device_id": "0x7fff", "gfx": "gfx1299"}
    state = "hidden" if hidden else "free"
    gpu = Gpu(**{**known, "vram_bytes": 400 * GIB, "hip_index": 0, "state": state, **facts})
    return Machine(host="node", gpus=(gpu,), cpu=Cpu(cores=64, memory_available_bytes=900 * GIB))


@pytest.mark.parametrize("model", [MODEL, "demo"])
def test_one_that_nobody_knows_is_said_to_be_unknown_and_never_gets_the_cpu(model: str) -> None:
    ranked = rank(catalogue().find(model), strange())
    assert {choice.verdict for choice in ranked} == {"NO"}
    assert ranked[0].try_line == "%aim doctor"
    assert "an unknown GPU, AMD Instinct MI999 (0x7fff, gfx1299)" in ranked[0].reason
    kinds = [choice.recipe.gpu_model == "cpu" for choice in ranked]
    assert kinds == sorted(kinds), "what is for the CPU comes last"


def test_who_names_a_recipe_for_the_cpu_gets_it() -> None:
    first = rank(catalogue().find("demo"), strange(), recipe="cpu-bf16-tp1")[0]
    assert (first.recipe.gpu_model, first.verdict) == ("cpu", "FITS")
    assert "no recipe is for an unknown GPU" in first.reason


def test_the_doctor_says_what_to_do() -> None:
    (check,) = [one for one in gpus.findings(strange()) if one.name == "unknown GPU"]
    assert not check.good
    assert "AMD Instinct MI999 (0x7fff, gfx1299)" in check.found
    assert "AIM_DEVICES_PATH" in check.fix


@pytest.mark.parametrize(
    ("machine", "said"),
    [
        (strange(integrated=True), ""),
        (strange(hidden=True), ""),
        (strange(pci_device_id="0x738c", model="MI100"), "; no recipe is for MI100"),
        (strange(pci_device_id="0x6860"), "; no recipe is for AMD Instinct MI999"),
    ],
)
def test_where_no_recipe_is_for_a_known_one_the_cpu_serves_and_says_so(
    machine: Machine, said: str
) -> None:
    first = rank(catalogue().find("demo"), machine)[0]
    assert (first.recipe.gpu_model, first.verdict) == ("cpu", "FITS")
    assert first.reason.endswith(said or "free")
    assert [one for one in gpus.findings(machine) if one.name == "unknown GPU"] == []
