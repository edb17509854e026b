"""The second half of the doctor's table: masks, memory, modes, and tools that disagree."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from aim_jupyter.core import devices
from aim_jupyter.core.gpus import masks
from aim_jupyter.core.gpus.facts import Facts
from aim_jupyter.core.records.gpu import Gpu, Machine
from aim_jupyter.core.records.status import Check
from aim_jupyter.core.sizes import GIB


def _hidden(_facts: Facts, machine: Machine) -> Iterable[Check]:
    """Count the GPUs of other containers: a fact, no fault."""
    others = [gpu for gpu in machine.gpus if gpu.state == "hidden" and gpu.rocr_index is None]
    notes = [note for note in machine.notes if "belong to other containers" in note]
    if others or notes:
        found = f"{_names(others)} belong to other containers." if others else notes[0]
        yield Check(name="hidden", good=True, found=found)


def _mask(facts: Facts, machine: Machine) -> Iterable[Check]:
    """Explain the mask, step by step: it may hide all, or not do what it looks like."""
    if not any(name in facts.environ for name in masks.VARIABLES):
        return
    seen = masks.visibility(facts.environ, machine)
    said = " ".join(
        f"{step.variable}={step.value}: {step.effect}" for step in seen.steps if step.variable
    )
    unset = " ".join(name for name in masks.VARIABLES if name in facts.environ)
    good = bool(seen.visible) and not seen.warnings
    yield Check(
        name="visibility",
        good=good,
        found=" ".join(dict.fromkeys([said, *seen.warnings])).strip(),
        fix="" if good else f"unset {unset}",
    )


def _ray(facts: Facts, _machine: Machine) -> Iterable[Check]:
    """Recognise Ray, which sets two variables that count within each other."""
    both = masks.ROCR in facts.environ and facts.environ.get(masks.HIP)
    if both and ("RAY_ADDRESS" in facts.environ or "RAY_JOB_ID" in facts.environ):
        names = ("ROCR", "HIP", "CUDA")
        switches = " ".join(f"RAY_EXPERIMENTAL_NOSET_{name}_VISIBLE_DEVICES=1" for name in names)
        yield Check(
            name="ray",
            good=False,
            found="Ray set ROCR_ and HIP_VISIBLE_DEVICES: HIP counts within ROCr's list.",
            fix=f"use --distributed-executor-backend mp, or set {switches}",
        )


def _memory(facts: Facts, machine: Machine) -> Iterable[Check]:
    """Find memory that no process explains."""
    stray = [gpu for gpu in machine.gpus if gpu.state == "unexplained"]
    if stray:
        where = "of the host or of another container" if facts.foreign_pids else "that ended badly"
        yield Check(
            name="memory",
            good=False,
            found=f"{_names(stray)}: {stray[0].reason}: of a process {where}.",
            fix="on the host, as root: fuser -v /dev/kfd; then a reset by an administrator."
            " Containers: start them with --init",
        )
    elif facts.foreign_pids and machine.gpus:
        yield Check(
            name="processes",
            good=True,
            found="This container has pids of its own: other holders are seen by memory, unnamed.",
        )


def _order(_facts: Facts, machine: Machine) -> Iterable[Check]:
    """Warn where amd-smi's index is no HIP ordinal."""
    listed = [gpu for gpu in machine.gpus if gpu.rocr_index is not None and gpu.pci_bdf]
    by_address = sorted(listed, key=lambda gpu: gpu.pci_bdf or "")
    if [gpu.rocr_index for gpu in by_address] != sorted(gpu.rocr_index or 0 for gpu in listed):
        first = by_address[0]
        yield Check(
            name="order",
            good=True,
            found=f"amd-smi and rocm-smi count otherwise than HIP: their GPU 0 is {first.pci_bdf},"
            f" HIP's {first.rocr_index}. Compare PCI addresses, never indices.",
        )


def _override(facts: Facts, machine: Machine) -> Iterable[Check]:
    """Find a spoofed architecture."""
    value = facts.environ.get("HSA_OVERRIDE_GFX_VERSION")
    if value and machine.gpus:
        yield Check(
            name="architecture",
            good=False,
            found=f"HSA_OVERRIDE_GFX_VERSION={value} makes programs see another GPU than"
            f" {machine.gpus[0].gfx or machine.gpus[0].pci_device_id}.",
            fix="unset HSA_OVERRIDE_GFX_VERSION",
        )


def _integrated(_facts: Facts, machine: Machine) -> Iterable[Check]:
    """Find GPUs inside the processor, which often come before the real ones."""
    listed = [gpu for gpu in machine.gpus if gpu.hip_index is not None]
    inside = [gpu for gpu in listed if gpu.integrated]
    apart = [gpu for gpu in listed if not gpu.integrated]
    if inside and apart:
        yield Check(
            name="integrated",
            good=True,
            found=f"{_names(inside)}: inside the processor, left out. {_names(apart)}: used.",
        )


def _unknown(_facts: Facts, machine: Machine) -> Iterable[Check]:
    """Find GPUs that the table does not have: nothing can be chosen for them."""
    seen = [
        gpu for gpu in machine.gpus if gpu.state != "hidden" and (gpu.pci_device_id or gpu.name)
    ]
    found = dict.fromkeys(map(devices.described, filter(devices.is_unknown, seen)))
    if found:
        yield Check(
            name="unknown GPU",
            good=False,
            found=f"{', '.join(found)}: not in the table of GPUs, so that no recipe is for it.",
            fix="pip install -U aim-jupyter, or export AIM_DEVICES_PATH=FILE with a row for it"
            " (docs/configuration.md). The CPU serves only what is asked for by --recipe",
        )


def _shared_memory(_facts: Facts, machine: Machine) -> Iterable[Check]:
    """Tell that the memory of an accelerator is the host's."""
    gpus = [gpu for gpu in machine.gpus if _is_shared(gpu) and gpu.vram_bytes]
    if gpus:
        size = (gpus[0].vram_bytes or 0) / GIB
        yield Check(
            name="shared memory",
            good=True,
            found=f"{gpus[0].model} shares its memory with the processor: {size:.1f} GiB by the"
            f" driver, {(machine.cpu.memory_available_bytes or 0) / GIB:.1f} GiB free in the host.",
        )


def _is_shared(gpu: Gpu) -> bool:
    row = devices.typed(gpu.model or "")
    return row is not None and row.shared


def _tools(_facts: Facts, machine: Machine) -> Iterable[Check]:
    """Tell which tools hang, or say something else than the driver."""
    for note in machine.notes:
        if "did not answer" in note:
            fix = "sudo dmesg | tail -50; nothing here waits for the tool"
            yield Check(name="tools", good=False, found=note, fix=fix)
        elif "the latter is shown" in note:
            yield Check(name="tools", good=True, found=note)


def _probes(_facts: Facts, machine: Machine) -> Iterable[Check]:
    """Tell which probes of other packages were refused, or failed."""
    for note in machine.notes:
        if note.startswith("Probe "):
            fix = "pip uninstall the package that brought it, or update it"
            yield Check(name="probes", good=False, found=note, fix=fix)


def _render_noise(facts: Facts, machine: Machine) -> Iterable[Check]:
    """Count the render nodes without a partition: opening one spams the kernel log."""
    known = {f"renderD{gpu.render_minor}" for gpu in machine.gpus}
    idle = [name for name in facts.render_names if name not in known]
    if idle and known:
        yield Check(
            name="unconfigured render nodes",
            good=True,
            found=f"{len(idle)} render nodes belong to no listed GPU and are never opened: tools"
            ' that do make "partition not valid" in dmesg.',
        )


def _leases(facts: Facts, _machine: Machine) -> Iterable[Check]:
    """Tell that the folder's owner could remove what others hold there."""
    if facts.lease_owner:
        yield Check(
            name="leases",
            good=True,
            found=f"{facts.lease_folder} belongs to {facts.lease_owner}, who could remove leases.",
            fix=f"sudo chown root {facts.lease_folder}",
        )


CHECKS: tuple[Callable[[Facts, Machine], Iterable[Check]], ...] = (
    _hidden,
    _mask,
    _ray,
    _memory,
    _order,
    _override,
    _integrated,
    _unknown,
    _shared_memory,
    _render_noise,
    _tools,
    _probes,
    _leases,
)


def _names(gpus: list[Gpu]) -> str:
    return ", ".join(gpu.pci_bdf or f"gpu_id {gpu.gpu_id}" for gpu in gpus)
