"""What a server would run on: GPUs by name, GPUs that are there, the processor."""

from __future__ import annotations

from collections.abc import Sequence

from aim_jupyter.core import devices
from aim_jupyter.core.errors import BadUsage, UnknownName
from aim_jupyter.core.records import Gpu, Machine
from aim_jupyter.core.records.fit import Device

MOST = 4096  # GPUs of one machine


def device(machine: str) -> Device:
    """Return the GPUs of a machine such as ``mi300x:8``; without a number it has one.

    A size that belongs to the name, as in ``H100-80GB``, is left aside.

    Raises
    ------
    UnknownName
        If the name is not known.
    BadUsage
        If the number is none.

    Examples
    --------
    >>> device("h200:8").count
    8
    """
    name, _, count = machine.partition(":")
    # Also as a data sheet or a tool writes it: "AMD Instinct™ MI355X".
    found = devices.typed(name) or devices.named(name)
    if found is None or found.reported_bytes is None:
        known = [row.key for row in devices.devices() if row.reported_bytes and row.model]
        raise UnknownName("GPU", name, known, "name its facts: total_bytes, family, count")
    if count and not (count.isdecimal() and 1 <= int(count) <= MOST):
        raise BadUsage(f"{machine!r} does not end in a number of GPUs.", f"write {name}:1")
    return Device(
        model=found.model or name,
        family=found.family,
        total_bytes=found.reported_bytes,
        gfx=found.gfx,
        count=int(count or 1),
    )


def device_of(gpus: Sequence[Gpu], count: int) -> Device | None:
    """Return the device that `gpus` are together, None where their memory is not known.

    Parameters
    ----------
    count : int
        How many of their kind there are to choose from.
    """
    totals = [gpu.vram_bytes for gpu in gpus if gpu.vram_bytes]
    if not gpus or len(totals) < len(gpus):
        return None
    return Device(
        model=gpus[0].model or "an unknown GPU",
        family="rocm",
        total_bytes=min(totals),
        free_bytes=min(_unused(gpu) for gpu in gpus),
        gfx=gpus[0].gfx,
        count=max(count, len(gpus)),
    )


def processor(machine: Machine) -> Device | None:
    """Return the processor as a device."""
    cpu = machine.cpu
    total = cpu.memory_bytes or cpu.memory_available_bytes
    if not total:
        return None
    return Device(
        model="CPU",
        family="cpu",
        total_bytes=total,
        free_bytes=cpu.memory_available_bytes,
        bf16=cpu.bf16,
    )


def _unused(gpu: Gpu) -> int:
    return max(0, (gpu.vram_bytes or 0) - (gpu.vram_used_bytes or 0))
