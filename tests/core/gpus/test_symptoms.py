"""Every known reason why GPUs are not usable, with what mends it."""

from __future__ import annotations

import pytest

from aim_jupyter.core.gpus import symptoms
from aim_jupyter.core.records import Machine
from tests.core.gpus.sights import bad, door, known, one, with_notes


def test_a_healthy_machine_has_nothing_bad() -> None:
    checks = symptoms.judged(known(), one())
    assert [check.name for check in checks] == ["driver", "kfd", "render nodes"]
    assert all(check.good for check in checks)


def test_a_machine_without_gpu_is_good() -> None:
    nothing = known(topology=False, kfd=None, renders=(), render_names=(), driver_loaded=False)
    (check,) = symptoms.judged(nothing, Machine(host="h"))
    assert check.good


SHUT = door(allowed=False, permitted=False)


@pytest.mark.parametrize(
    ("changes", "found", "fix"),
    [
        # one per row of the table of symptoms
        ({"kfd": SHUT}, "not in group render (gid 109", "sudo usermod -aG render,video alice"),
        ({"kfd": SHUT, "listed_groups": (109,)}, "session is not", "log out and in"),
        ({"kfd": SHUT, "container": True}, "container does not give", "--group-add 109"),
        ({"kfd": door(allowed=False)}, "device cgroup denies", "--device /dev/kfd"),
        ({"kfd": None}, "/dev/kfd is missing", "--device /dev/kfd --device /dev/dri"),
        (
            {"renders": (door("/dev/dri/renderD128", allowed=False, permitted=False),)},
            "/dev/dri/renderD128",
            "usermod",
        ),
        ({"render_names": (), "renders": ()}, "no render nodes", "--device /dev/dri"),
        (
            {"topology": False, "pci_gpus": ("0000:0c:00.0",), "driver_loaded": False},
            "driver is not loaded",
            "sudo modprobe amdgpu",
        ),
        (
            {"topology": False, "pci_gpus": ("0000:0c:00.0",), "virtual": True},
            "virtual machine",
            "pass the GPU through",
        ),
        ({"topology": False, "pci_gpus": ("0000:0c:00.0",)}, "without compute", "dmesg"),
        ({"topology": False, "wsl": True}, "WSL", ""),
    ],
)
def test_every_symptom_names_the_cause_and_the_command(
    changes: dict[str, object], found: str, fix: str
) -> None:
    (check,) = bad(known(**changes))
    assert found in check.found
    assert fix in check.fix


def test_a_driver_that_refuses_is_told_from_missing_rights() -> None:
    refused = with_notes("rocminfo: Unable to open /dev/kfd read-write: Cannot allocate memory.")
    (check,) = bad(known(), refused)
    assert "driver refuses" in check.found
    invalid = with_notes("rocminfo: Unable to open /dev/kfd read-write: Invalid argument.")
    (check,) = bad(known(npu=True), invalid)
    assert "amdxdna" in check.found
    assert check.fix == "sudo modprobe -r amdxdna"
