"""The extension point: a foreign package brings GPUs, and a bad one is refused with its reason."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from importlib.metadata import EntryPoint
from pathlib import Path

import msgspec
import pytest

from aim_jupyter.core import gpus
from aim_jupyter.core.gpus import inventory, probes
from aim_jupyter.core.records import Machine

GOOD = """
from aim_jupyter.core.gpus import Sighting, Use
from aim_jupyter.core.records import Gpu

def look(root):
    gpu = Gpu(name="Acme One", pci_bdf="0000:81:00.0", gpu_id=7, vram_bytes=16 << 30,
              vram_used_bytes=9 << 30, vram_used_bytes_reported=9 << 30, source="acme")
    return Sighting(gpus=(gpu,), notes=(f"Acme looked below {root}.",),
                    held={7: (Use(4711, 9 << 30, "bob"),)})

def raising(root):
    raise RuntimeError("the cable is loose")

def wrong(root):
    return [root]

def two(root, more):
    return Sighting()

not_a_function = 7
"""

READ = """
import msgspec
from aim_jupyter.core import gpus
print(msgspec.json.encode(gpus.machine()).decode())
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """Install a package with five probes, as pip would, into a folder of its own."""
    (tmp_path / "acme.py").write_text(GOOD)
    info = tmp_path / "acme-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme\nVersion: 1.0\n")
    names = ("look", "raising", "wrong", "two", "not_a_function", "absent")
    lines = "".join(f"{name} = acme:{name}\n" for name in names)
    (info / "entry_points.txt").write_text(f"[{probes.GROUP}]\n{lines}")
    return tmp_path


def test_a_foreign_probe_is_installed_and_bad_ones_are_refused_with_the_reason(
    site: Path, tmp_path: Path
) -> None:
    env = {**os.environ, "PYTHONPATH": str(site), "AIM_SYS_ROOT": str(tmp_path / "nothing")}
    out = subprocess.run(
        [sys.executable, "-c", READ], env=env, check=True, capture_output=True, timeout=60
    ).stdout
    machine = probes_machine(out)
    (gpu,) = machine.gpus
    assert (gpu.name, gpu.state, gpu.pid, gpu.holder) == ("Acme One", "busy", 4711, "bob")
    notes = "\n".join(machine.notes)
    assert f"Acme looked below {tmp_path / 'nothing'}." in notes
    assert "Probe raising failed: RuntimeError: the cable is loose." in notes
    assert "Probe wrong returned list, not a Sighting." in notes
    assert "Probe two (acme:two) was refused: TypeError: missing a required argument" in notes
    assert "Probe not_a_function (acme:not_a_function) was refused: TypeError: int is no" in notes
    assert "Probe absent (acme:absent) was refused: AttributeError" in notes


def probes_machine(data: bytes) -> Machine:
    return msgspec.json.decode(data, type=Machine)


def test_our_own_probe_is_one_of_the_group() -> None:
    assert probes.registered().probes["amd"] is probes.amd
    declared = tomllib.loads((Path(__file__).parents[3] / "pyproject.toml").read_text())
    points = declared["project"].get("entry-points", {}).get(probes.GROUP)
    if points is None:
        pytest.skip("the group is not declared in pyproject.toml yet")
    assert EntryPoint("amd", points["amd"], probes.GROUP).load() is probes.amd


def test_a_failure_of_our_own_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_reader: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(inventory, "gpus", broken)
    with pytest.raises(ZeroDivisionError):
        gpus.machine()
