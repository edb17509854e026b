"""What the doctor looks at besides the GPUs."""

from __future__ import annotations

from pathlib import Path

import pytest

from aim_jupyter.core import gpus
from aim_jupyter.core.gpus import facts

from . import trees


def test_the_facts_of_this_machine_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIM_SYS_ROOT", str(trees.written(trees.mi300x(1), tmp_path)))
    found = facts.read({"HIP_VISIBLE_DEVICES": "0", "SECRET": "x"}, (128,))
    assert found.topology
    assert found.kfd is not None
    assert [one_door.path for one_door in found.renders] == ["/dev/dri/renderD128"]
    assert found.environ == {"HIP_VISIBLE_DEVICES": "0"}
    checks = gpus.findings(gpus.machine())
    assert all(check.good for check in checks)
    assert {"driver", "kfd", "render nodes"} <= {check.name for check in checks}


def test_undriven_gpus_are_found_on_the_bus(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {
        "sys/bus/pci/devices/0000:0c:00.0/vendor": b"0x1002\n",
        "sys/bus/pci/devices/0000:0c:00.0/class": b"0x120000\n",
        "sys/bus/pci/devices/0000:0d:00.0/vendor": b"0x1002\n",
        "sys/bus/pci/devices/0000:0d:00.0/class": b"0x040300\n",  # its sound device
        "sys/bus/pci/devices/0000:0e:00.0/vendor": b"0x8086\n",
        "sys/bus/pci/devices/0000:0e:00.0/class": b"0x030000\n",
    }
    monkeypatch.setenv("AIM_SYS_ROOT", str(trees.written(files, tmp_path)))
    assert facts.read({}).pci_gpus == ("0000:0c:00.0",)
    (check,) = [check for check in gpus.findings(gpus.machine()) if not check.good]
    assert "not loaded" in check.found
