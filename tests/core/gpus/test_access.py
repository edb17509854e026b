"""What this process may open, told without opening it; and what the doctor makes of it."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from aim_jupyter.core import gpus
from aim_jupyter.core.gpus import access, facts, inventory, symptoms
from aim_jupyter.core.gpus.facts import Door, Facts
from aim_jupyter.core.gpus.tree import Reader
from aim_jupyter.core.records import Check, Gpu, Machine

from . import trees
from .trees import MemoryTree


class Guarded(MemoryTree):
    """A tree where some device files are closed, as `os.access` would say."""

    closed: tuple[str, ...] = ()
    mode, uid, gid = 0o100660, 0, 44

    def allowed(self, path: str) -> bool:
        return path in self.files and path not in self.closed

    def facts(self, path: str) -> os.stat_result:
        super().facts(path)
        return os.stat_result((self.mode, 0, 0, 1, self.uid, self.gid, 0, 0, 0, 0))


def guarded(*closed: str, without: tuple[str, ...] = (), cards: int = 2) -> Guarded:
    files = {path: text for path, text in trees.mi300x(cards).items() if path not in without}
    tree = Guarded(files)
    tree.closed = closed
    return tree


def doors(tree: Guarded, *minors: int | None) -> list[access.Access]:
    found = access.Doors(Reader(tree))
    return [found.access(minor) for minor in minors]


def test_open_devices_are_usable() -> None:
    assert [door.usable for door in doors(guarded(), 128, 136)] == [True, True]


def test_without_any_dev_nothing_is_known() -> None:
    tree = Guarded({"sys/x": b""})
    assert doors(tree, 128) == [access.Access()]


@pytest.mark.parametrize("superuser", [False, True])
def test_a_closed_kfd_closes_all_with_the_reason(
    *, superuser: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0 if superuser else 64001)
    monkeypatch.setattr(os, "getgroups", lambda: [64001])
    reason = "denied by the device cgroup" if superuser else "permission denied"
    for door in doors(guarded("dev/kfd"), 128, 136):
        assert (door.usable, door.reason, door.passed) == (False, f"/dev/kfd: {reason}", True)


def test_a_render_node_that_was_not_passed_in_is_skipped_by_the_runtime() -> None:
    here, gone = doors(guarded(without=("dev/dri/renderD136",)), 128, 136)
    assert (here.usable, here.passed) == (True, True)
    assert (gone.usable, gone.passed) == (False, False)
    assert gone.reason == "renderD136 was not passed in"


@pytest.mark.parametrize(("user", "passed"), [(0, False), (64001, True)])
def test_a_render_node_that_the_cgroup_denies_is_skipped_and_one_without_rights_is_not(
    *, user: int, passed: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: user)
    monkeypatch.setattr(os, "getgroups", lambda: [64001])
    denied = doors(guarded("dev/dri/renderD136"), 136)[0]
    assert (denied.usable, denied.passed) == (False, passed)


def test_missing_devices_are_named() -> None:
    nodes = ("dev/dri/renderD128", "dev/dri/renderD136")
    assert doors(guarded(without=("dev/kfd",)), 128)[0].reason == "/dev/kfd is missing"
    assert doors(guarded(without=nodes), 128)[0].reason == "/dev/dri is missing"


def test_ordinals_count_only_what_was_passed_in(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = trees.mi300x(4)
    del files["dev/dri/renderD136"]
    monkeypatch.setenv("AIM_SYS_ROOT", str(trees.written(files, tmp_path)))
    found = gpus.machine().gpus
    assert [gpu.hip_index for gpu in found] == [0, None, 1, 2]
    assert found[1].state == "hidden"


def test_gpus_of_other_containers_are_listed_as_hidden() -> None:
    tree = MemoryTree(trees.mi300x(3))
    denied = {
        f"{trees.NODES}/{node}/{name}": errno.EPERM
        for node in (2, 4)
        for name in ("properties", "gpu_id", "name")
    }
    reader = Reader(tree.damaged(denied))
    mine, *others = inventory.gpus(reader)
    assert (mine.kfd_node, mine.rocr_index, mine.pci_bdf) == (3, 0, trees.bdf(1))
    assert [gpu.pci_bdf for gpu in others] == [trees.bdf(0), trees.bdf(2)]
    assert {(gpu.state, gpu.usable, gpu.rocr_index) for gpu in others} == {("hidden", False, None)}
    assert any(note.startswith("2 GPU(s)") for note in reader.notes)


def test_groups_and_modes_are_judged_as_the_kernel_does() -> None:
    def permitted(mode: int, uid: int, gid: int, *, user: int, groups: tuple[int, ...]) -> bool:
        there = os.stat_result((stat.S_IFCHR | mode, 0, 0, 1, uid, gid, 0, 0, 0, 0))
        return access.permitted(there, user, groups)

    assert permitted(0o660, 0, 44, user=1000, groups=(44,))
    assert not permitted(0o660, 0, 44, user=1000, groups=(45,))
    assert permitted(0o666, 0, 44, user=1000, groups=())
    assert not permitted(0o606, 0, 44, user=1000, groups=(44,))  # the group comes before others
    assert permitted(0o600, 1000, 44, user=1000, groups=())
    assert not permitted(0o060, 1000, 44, user=1000, groups=(44,))  # and the owner before it
    assert permitted(0o000, 0, 0, user=0, groups=())


# -- the doctor ----------------------------------------------------------------------------------


def door(path: str = "/dev/kfd", **changes: bool) -> Door:
    known: dict[str, bool] = {"allowed": True, "permitted": True, **changes}
    return Door(path=path, gid=109, group="render", **known)


def known(**changes: object) -> Facts:
    usual: dict[str, object] = {
        "user": "alice",
        "groups": (1000,),
        "listed_groups": (1000,),
        "topology": True,
        "devices": True,
        "kfd": door(),
        "renders": (door("/dev/dri/renderD128"),),
        "render_names": ("renderD128",),
        "pci_gpus": (),
        "driver_loaded": True,
        "wsl": False,
        "virtual": False,
        "container": False,
        "foreign_pids": False,
        "npu": False,
        "amd_groups": ("render", "video"),
        "environ": {},
    }
    return Facts(**(usual | changes))  # type: ignore[arg-type]


def one(**changes: object) -> Machine:
    usual: dict[str, object] = {
        "hip_index": 0,
        "rocr_index": 0,
        "pci_bdf": "0000:0c:00.0",
        "render_minor": 128,
        "gfx": "gfx942",
        "integrated": False,
        "state": "free",
    }
    return Machine(host="h", gpus=(Gpu(**(usual | changes)),))  # type: ignore[arg-type]


def bad(facts_: Facts, machine: Machine | None = None) -> list[Check]:
    return [check for check in symptoms.judged(facts_, machine or one()) if not check.good]


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
        ({"environ": {"ROCR_VISIBLE_DEVICES": ""}}, "no GPU is visible", "unset ROCR_VISIBLE"),
        (
            {"environ": {"ROCR_VISIBLE_DEVICES": "0", "HIP_VISIBLE_DEVICES": "1"}},
            "'1' is not among 0 to 0",
            "unset ROCR_VISIBLE_DEVICES HIP_VISIBLE_DEVICES",
        ),
        (
            {"environ": {"HIP_VISIBLE_DEVICES": "0", "CUDA_VISIBLE_DEVICES": "1"}},
            "differ: vLLM does not start",
            "unset HIP_VISIBLE_DEVICES CUDA_VISIBLE_DEVICES",
        ),
        (
            {
                "environ": {
                    "ROCR_VISIBLE_DEVICES": "0",
                    "HIP_VISIBLE_DEVICES": "0",
                    "RAY_JOB_ID": "1",
                }
            },
            "Ray set",
            "RAY_EXPERIMENTAL_NOSET_HIP_VISIBLE_DEVICES=1",
        ),
        (
            {"environ": {"HSA_OVERRIDE_GFX_VERSION": "10.3.0"}},
            "10.3.0 makes programs see another GPU than gfx942",
            "unset HSA_OVERRIDE_GFX_VERSION",
        ),
    ],
)
def test_every_symptom_names_the_cause_and_the_command(
    changes: dict[str, object], found: str, fix: str
) -> None:
    (check,) = bad(known(**changes))
    assert found in check.found
    assert fix in check.fix


def with_notes(*notes: str) -> Machine:
    return Machine(host="h", gpus=one().gpus, notes=notes)


def test_a_driver_that_refuses_is_told_from_missing_rights() -> None:
    refused = with_notes("rocminfo: Unable to open /dev/kfd read-write: Cannot allocate memory.")
    (check,) = bad(known(), refused)
    assert "driver refuses" in check.found
    invalid = with_notes("rocminfo: Unable to open /dev/kfd read-write: Invalid argument.")
    (check,) = bad(known(npu=True), invalid)
    assert "amdxdna" in check.found
    assert check.fix == "sudo modprobe -r amdxdna"


def test_tools_that_hang_and_probes_that_fail_are_told() -> None:
    hung, refused = bad(
        known(),
        with_notes("amd-smi did not answer in 8 s: the driver may hang, see dmesg.", "Probe x …"),
    )
    assert "did not answer" in hung.found
    assert "dmesg" in hung.fix
    assert refused.name == "probes"


def test_stray_memory_is_told_with_what_to_ask_the_administrator() -> None:
    stray = one(state="unexplained", reason="46.2 GiB held by no visible process")
    (check,) = bad(known(foreign_pids=True), stray)
    assert "0000:0c:00.0: 46.2 GiB held by no visible process" in check.found
    assert "--init" in check.fix


def names(checks: list[Check]) -> set[str]:
    return {check.name for check in checks if check.good}


def test_facts_that_are_no_fault_are_told_as_good() -> None:
    two = Machine(
        host="h",
        gpus=(
            Gpu(rocr_index=0, hip_index=0, pci_bdf="0000:63:00.0", integrated=True),
            Gpu(rocr_index=1, hip_index=1, pci_bdf="0000:03:00.0", model="MI300A", vram_bytes=1),
            Gpu(state="hidden", pci_bdf="0000:83:00.0"),
        ),
        notes=("0000:03:00.0 has vram_bytes 1 by rocm-smi, 2 by kfd: the latter is shown.",),
    )
    found = names(symptoms.judged(known(render_names=("renderD128", "renderD129")), two))
    assert {"order", "integrated", "shared memory", "hidden", "tools"} <= found
    assert "processes" in names(symptoms.judged(known(foreign_pids=True), one()))
    shared = known(lease_folder="/tmp/aim-gpu", lease_owner="bob")
    assert "leases" in names(symptoms.judged(shared, one()))
    spare = symptoms.judged(known(render_names=("renderD128", "renderD129")), one())
    assert "unconfigured render nodes" in names(spare)


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
