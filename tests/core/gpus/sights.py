"""A healthy machine as the doctor reads it, to be changed in one place by a test."""

from __future__ import annotations

from aim_jupyter.core.gpus import symptoms
from aim_jupyter.core.gpus.facts import Door, Facts
from aim_jupyter.core.records import Check, Gpu, Machine


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


def with_notes(*notes: str) -> Machine:
    return Machine(host="h", gpus=one().gpus, notes=notes)
