"""Tools as a second opinion: they fill gaps, never overrule, and are never waited for."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from aim_jupyter.core import gpus
from aim_jupyter.core.gpus.tools import running
from aim_jupyter.core.serving.state.process import alive, identify
from tests.core.gpus import captured, trees
from tests.core.gpus.tools.conftest import Install
from tests.waiting import until


@pytest.fixture
def two(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIM_SYS_ROOT", str(trees.written(trees.mi300x(2), tmp_path / "root")))


def static(**changes: object) -> str:
    entries = [
        {
            "gpu": card,
            "bdf": trees.bdf(card),
            "asic": {"device_id": "0x74a1", "target_graphics_version": "gfx942"},
            "vram": {"size": {"value": 196592, "unit": "MB"}},
        }
        | changes
        for card in range(2)
    ]
    return f"cat <<'END'\n{json.dumps({'gpu_data': entries})}\nEND"


@pytest.mark.usefixtures("two")
def test_a_tool_fills_what_sysfs_does_not_say(install: Install) -> None:
    install(
        "amd-smi", static(asic={"num_compute_units": 304, "market_name": "x"}, numa={"node": 1})
    )
    before = gpus.machine()
    after = gpus.enrich(before)
    assert [gpu.source for gpu in before.gpus] == ["kfd", "kfd"]
    assert after.gpus == before.gpus  # the tree says it all
    assert after.notes == ()


def test_a_gap_is_filled_and_the_source_says_so(
    install: Install, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {path: text for path, text in trees.mi300x(2).items() if "mem_banks" not in path}
    files = {path: text for path, text in files.items() if "bus/pci" not in path}
    monkeypatch.setenv("AIM_SYS_ROOT", str(trees.written(files, tmp_path / "root")))
    install("amd-smi", static())
    found = gpus.enrich(gpus.machine()).gpus
    assert [gpu.vram_bytes for gpu in found] == [196592 << 20] * 2
    assert {gpu.source for gpu in found} == {"kfd + amd-smi"}


@pytest.mark.usefixtures("two")
def test_where_they_disagree_the_kernel_wins_and_the_difference_is_told(install: Install) -> None:
    install("amd-smi", static(vram={"size": {"value": 24576, "unit": "MB"}}, render="renderD200"))
    machine = gpus.enrich(gpus.machine())
    assert [gpu.vram_bytes for gpu in machine.gpus] == [(192 << 30) - (16 << 20)] * 2
    assert [gpu.render_minor for gpu in machine.gpus] == [128, 136]
    size, minor = sorted(machine.notes, key=lambda note: "vram" not in note)
    assert "25769803776 by amd-smi" in size
    assert "(and 1 more): the latter is shown" in size
    assert "render_minor 200 by amd-smi, 128 by kfd" in minor
    checks = [check for check in gpus.findings(machine) if check.name == "tools"]
    assert len(checks) == 2


@pytest.mark.usefixtures("two")
def test_a_tool_that_hangs_is_killed_with_all_that_it_started(
    install: Install, tmp_path: Path
) -> None:
    child = tmp_path / "child"
    child.touch()
    install("amd-smi", f"sleep 600 & echo $! > {child}; sleep 600")
    machine = gpus.machine()
    limit_s = 0.5
    while (after := gpus.enrich(machine, limit_s=limit_s)) and not child.read_text():
        # It had not even begun.
        limit_s *= 4
    assert after.gpus == machine.gpus
    assert any("amd-smi did not answer in" in note for note in after.notes)
    known = identify(int(child.read_text()))
    until(lambda: not alive(known))


@pytest.mark.usefixtures("two")
def test_the_next_tool_is_asked_where_one_fails(install: Install) -> None:
    install("amd-smi", "echo 'AMDSMI_STATUS_FILE_ERROR(14)' >&2; exit 1")
    install("rocm-smi", """echo '{"card0": {"GUID": "10000", "PCI Bus": "0000:03:00.0"}}'""")
    machine = gpus.enrich(gpus.machine())
    assert any("amd-smi ended with code 1: AMDSMI_STATUS_FILE_ERROR" in n for n in machine.notes)
    assert len(machine.gpus) == 2


@pytest.mark.usefixtures("two")
def test_a_tool_without_a_known_word_is_told(install: Install) -> None:
    install("rocminfo", "echo hello")
    machine = gpus.enrich(gpus.machine())
    assert any("rocminfo printed nothing that is known" in note for note in machine.notes)


@captured.needed
@pytest.mark.parametrize(
    ("tool", "path", "count"),
    [
        ("rocminfo", "mi300x-4-spx-vf/rocminfo.txt", 4),
        ("rocm-smi", "mi100-rocm602/mi100_rocm602.json", 4),
        ("amd-smi", "mi300x-8-spx-amd-smi7/amd-smi.txt", 8),
    ],
)
def test_without_sysfs_the_tool_stands_alone_and_says_so(
    *,
    tool: str,
    path: str,
    count: int,
    install: Install,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AIM_SYS_ROOT", str(tmp_path))
    install(tool, f"cat {captured.ROOT / path}")
    machine = gpus.enrich(gpus.machine())
    assert len(machine.gpus) == count
    assert {gpu.source for gpu in machine.gpus} == {tool}
    assert f"There is no KFD topology: read from {tool} alone." in machine.notes


@captured.needed
@pytest.mark.usefixtures("two")
def test_the_tools_words_about_kfd_reach_the_doctor(install: Install) -> None:
    install("rocminfo", f"cat {captured.ROOT / 'raven-apu-kfd-enomem' / 'rocminfo.txt'}; exit 255")
    machine = gpus.enrich(gpus.machine())
    found = [check for check in gpus.findings(machine) if check.name == "kfd"]
    assert "driver refuses" in found[0].found


@pytest.mark.usefixtures("install")
def test_no_tool_at_all_is_told() -> None:
    if any(running.find(tool, os.environ) for tool in ("amd-smi", "rocm-smi", "rocminfo")):
        pytest.skip("this machine has the tools")
    machine = gpus.enrich(gpus.machine())
    assert "None of amd-smi, rocm-smi, rocminfo is installed." in machine.notes


def test_a_simulated_machine_is_not_asked_about(install: Install, tmp_path: Path) -> None:
    install("amd-smi", f"touch {tmp_path}/asked")
    machine = gpus.machine("mi300x:2")
    assert gpus.enrich(machine) is machine
    assert not (tmp_path / "asked").exists()
