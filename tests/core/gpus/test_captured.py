"""Every captured machine, exact against its expected.json, field by field."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from aim_jupyter.core import gpus
from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.records import Gpu, Machine

from . import captured
from .captured import ROOT

pytestmark = captured.needed


@pytest.fixture
def read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Read a captured machine as a user would: ``AIM_SYS_ROOT`` or ``--from``."""

    def reading(machine: str) -> Machine:
        if machine in captured.TREES:
            monkeypatch.setenv("AIM_SYS_ROOT", str(captured.tree(machine, tmp_path)))
            return gpus.machine()
        files = captured.OUTPUTS[machine][0]
        return gpus.from_file(*(ROOT / machine / name for name in files))

    return reading


def test_every_captured_machine_is_read_exactly(
    read: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    rows: list[tuple[str, ...]] = []
    wrong: list[Any] = []
    for folder in sorted(path.name for path in ROOT.iterdir() if path.is_dir()):
        if folder in captured.UNSUPPORTED:
            rows.append((folder, "-", "-", captured.UNSUPPORTED[folder]))
            continue
        wanted = captured.expected(folder)
        machine = read(folder)
        fields = differences(folder, wanted["gpus"], machine.gpus, wrong)
        source = ", ".join(sorted({gpu.source for gpu in machine.gpus})) or "-"
        verdict = "exact" if not any(row[0] == folder for row in wrong) else "WRONG"
        counted = f"{len(machine.gpus)} of {wanted['gpu_count']}"
        rows.append((folder, counted, f"{fields}", f"{source}: {verdict}"))
    with capsys.disabled():
        sys.stdout.write(table(("machine", "GPUs", "fields", "read from"), rows))
        sys.stdout.write("".join(f"{row}\n" for row in wrong))
    assert wrong == []


def differences(
    folder: str, wanted: list[dict[str, Any]], found: tuple[Gpu, ...], wrong: list[Any]
) -> int:
    """Count the compared fields; what differs is appended to `wrong`."""
    if len(wanted) != len(found):
        wrong.append((folder, "count", len(wanted), len(found)))
        return 0
    pairs = [
        (index, *pair)
        for index, (entry, gpu) in enumerate(zip(wanted, found, strict=True))
        for pair in captured.compared(entry, gpu)
    ]
    wrong += [(folder, *pair) for pair in pairs if pair[2] != pair[3]]
    return len(pairs)


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = (
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        for row in [head, *rows]
    )
    return "\n" + "".join(f"{line.rstrip()}\n" for line in lines)


@pytest.mark.parametrize(
    "machine",
    [name for name in captured.OUTPUTS if ROOT.is_dir() and "per_file" in captured.expected(name)],
)
def test_every_version_of_a_tool_says_what_it_says(machine: str) -> None:
    for name, wanted in captured.expected(machine)["per_file"].items():
        wrong: list[Any] = []
        assert differences(name, wanted, gpus.from_file(ROOT / machine / name).gpus, wrong)
        assert wrong == []


def test_no_captured_folder_is_forgotten() -> None:
    known = {*captured.OUTPUTS, *captured.TREES, *captured.UNSUPPORTED}
    assert {path.name for path in ROOT.iterdir() if path.is_dir()} == known


def test_a_tool_that_gives_each_partition_the_whole_gpu_is_not_believed() -> None:
    folder = ROOT / "mi300x-1-qpx-nps1"
    alone = gpus.from_file(folder / "rocm-smi-showmeminfo-vram.txt")
    assert [gpu.vram_bytes for gpu in alone.gpus] == [206141652992] * 4
    both = gpus.from_file(folder / "rocm-smi.txt", folder / "rocm-smi-showmeminfo-vram.txt")
    assert [gpu.vram_bytes for gpu in both.gpus] == [None] * 4
    assert {gpu.reason for gpu in both.gpus} == {"the tool prints the whole GPU's memory"}
    whole = gpus.from_file(
        folder / "spx" / "rocm-smi.txt", folder / "spx" / "rocm-smi-showmeminfo-vram.txt"
    )
    assert [gpu.vram_bytes for gpu in whole.gpus] == [206141652992]


def test_other_outputs_of_the_same_machines_agree() -> None:
    folder = ROOT / "mi300x-4-spx-vf"
    by_hsa = gpus.from_file(folder / "rocminfo.txt").gpus
    for name in ("rocm-smi-a.txt", "rocm-smi.txt"):
        for gpu, other in zip(gpus.from_file(folder / name).gpus, by_hsa, strict=True):
            assert gpu.pci_device_id == other.pci_device_id
            assert gpu.pci_bdf in (None, other.pci_bdf)
            assert gpu.unique_id_hex in (None, other.unique_id_hex)
            assert (gpu.compute_partition, gpu.memory_partition) == ("SPX", "NPS1")
    before = gpus.from_file(ROOT / "mi300x-cpx-amd-smi-6.4" / "list-e.before-6.4.1.txt").gpus
    assert [gpu.render_minor for gpu in before] == [128, None]


def test_hip_order_is_the_kernels_not_the_bus_order(read: Any) -> None:
    machine = read("mi210-8-spx")
    assert [gpu.hip_index for gpu in machine.gpus] == list(range(8))
    addresses = [gpu.pci_bdf for gpu in machine.gpus]
    assert addresses[0] == "0000:63:00.0"
    assert addresses != sorted(addresses)


def test_a_refused_driver_is_a_finding_and_no_gpu() -> None:
    machine = gpus.from_file(ROOT / "raven-apu-kfd-enomem" / "rocminfo.txt")
    assert machine.gpus == ()
    assert any("Cannot allocate memory" in note for note in machine.notes)


def test_a_file_of_no_known_tool_is_refused_with_the_names_of_the_known() -> None:
    for name in ("raven-apu-kfd-enomem/groups.txt", "radeon-drm-sysfs/LINKS.txt"):
        with pytest.raises(BadUsage) as caught:
            gpus.from_file(ROOT / name)
        assert "rocm-smi" in caught.value.hint
    with pytest.raises(BadUsage, match="No such file"):
        gpus.from_file(ROOT / "absent")
