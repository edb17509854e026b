"""Every known reason why GPUs are not usable, as a check: found, why, and what mends it.

The table in section 5 of the facts, row by row. The checks are pure: `facts.read` and `machine`
have looked already. Only the engine's interpreter is asked here, in a process with a time limit.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from pathlib import Path

from aim_jupyter.core.gpus import facts as reading
from aim_jupyter.core.gpus import inspection
from aim_jupyter.core.gpus.facts import Door, Facts
from aim_jupyter.core.gpus.tools import importing
from aim_jupyter.core.records.gpu import Machine
from aim_jupyter.core.records.status import Check

_DEVICES = "--device /dev/kfd --device /dev/dri"


def findings(machine: Machine, engine_python: Path | None = None) -> list[Check]:
    """Return one check per symptom that applies to this machine; good ones say what is right.

    A machine without any sign of an AMD GPU gets one good check that says so.

    Parameters
    ----------
    machine : Machine
        As `machine` read it, or `enrich` completed it: only then tools are judged as well.
    engine_python : Path, optional
        The engine's interpreter: vLLM finds no platform where it can't import amdsmi.
    """
    minors = tuple(gpu.render_minor for gpu in machine.gpus if gpu.render_minor is not None)
    checks = judged(reading.read(os.environ, minors), machine)
    if engine_python is not None and machine.gpus:
        checks.append(importing.check(engine_python))
    return checks


def judged(facts: Facts, machine: Machine) -> list[Check]:
    """Return the checks on facts that were read before."""
    if not machine.gpus and not facts.topology and not facts.pci_gpus and not facts.wsl:
        return [Check(name="gpus", good=True, found="No AMD GPU: engines run on the CPU.")]
    checks: tuple[Callable[[Facts, Machine], Iterable[Check]], ...] = (
        _driver,
        _kfd,
        _render_nodes,
        *inspection.CHECKS,
    )
    return [check for look in checks for check in look(facts, machine)]


def _driver(facts: Facts, machine: Machine) -> Iterable[Check]:
    """Tell why there is no KFD topology although there is a GPU."""
    if facts.topology:
        yield Check(name="driver", good=True, found=f"amdgpu lists {_gpus(len(machine.gpus))}.")
        return
    cards = f"{_gpus(len(facts.pci_gpus))} on the PCI bus, and no KFD"
    if facts.wsl:
        found, fix = "This is WSL (/dev/dxg): the ROCm driver works otherwise here.", ""
    elif not facts.driver_loaded:
        found, fix = f"{cards}: the amdgpu driver is not loaded.", "sudo modprobe amdgpu"
    elif facts.virtual:
        found = f"{cards}: a virtual machine without the GPU's compute part."
        fix = "ask whoever runs the host to pass the GPU through"
    else:
        found = f"{cards}: amdgpu is loaded without compute support for it."
        fix = "sudo dmesg | grep -i kfd"
    yield Check(name="driver", good=False, found=found, fix=fix)


def _kfd(facts: Facts, machine: Machine) -> Iterable[Check]:
    """Tell why ``/dev/kfd`` is missing, refused by the driver, or closed."""
    refused = [note for note in machine.notes if "Unable to open /dev/kfd" in note]
    if refused and ("allocate memory" in refused[0] or "Invalid argument" in refused[0]):
        yield Check(
            name="kfd",
            good=False,
            found="The driver refuses /dev/kfd: the kernel does not support this GPU for compute"
            + (", or the NPU driver amdxdna is in the way." if facts.npu else "."),
            fix="sudo modprobe -r amdxdna" if facts.npu else "sudo dmesg | grep -i kfd",
        )
    elif not facts.topology or not facts.devices:
        return
    elif facts.kfd is None:
        yield Check(
            name="kfd",
            good=False,
            found="/dev/kfd is missing although the driver is there: not passed to this container.",
            fix=f"start the container with {_DEVICES} (Kubernetes: resource amd.com/gpu)",
        )
    else:
        yield _door(facts, facts.kfd, "kfd")


def _render_nodes(facts: Facts, _machine: Machine) -> Iterable[Check]:
    """Find render nodes that are missing or closed, where ``/dev/kfd`` is there."""
    if not facts.topology or facts.kfd is None:
        return
    if not facts.render_names:
        yield Check(
            name="render nodes",
            good=False,
            found="/dev/dri has no render nodes: only /dev/kfd was passed to this container.",
            fix=f"start the container with {_DEVICES}",
        )
        return
    closed = [door for door in facts.renders if not door.allowed]
    if closed:
        yield _door(facts, closed[0], "render nodes")
    elif facts.renders:
        yield Check(
            name="render nodes", good=True, found=f"{len(facts.renders)} render nodes are open."
        )


def _door(facts: Facts, door: Door, name: str) -> Check:
    """Say which of three things keeps a device closed: no group, an old session, a cgroup."""
    group = door.group or str(door.gid)
    if door.allowed:
        return Check(name=name, good=True, found=f"{door.path} is open to {facts.user}.")
    if door.permitted:
        found = f"{door.path}: group {group} is right, and a device cgroup denies it."
        fix = f"start the container with --device {door.path}"
    elif door.gid in facts.listed_groups:
        found = (
            f"{facts.user} is in group {group}, and this session is not: it is older than the"
            " change, or the hub's spawner drops groups."
        )
        fix = "log out and in again (hub: stop and start your server)"
    elif facts.container:
        found = f"{door.path} belongs to group {group}, which this container does not give."
        fix = f"start the container with --group-add {door.gid}"
    else:
        found = f"{facts.user} is not in group {group} (gid {door.gid} owns {door.path})."
        found += " A new login is needed after the change."
        fix = f"sudo usermod -aG {','.join(sorted({group, *facts.amd_groups}))} {facts.user}"
    return Check(name=name, good=False, found=found, fix=fix)


def _gpus(count: int) -> str:
    return "1 AMD GPU" if count == 1 else f"{count} AMD GPUs"
