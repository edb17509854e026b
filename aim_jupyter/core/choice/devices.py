"""The GPUs of a machine as the fit sees them: alike, with the free memory of the fullest."""

from __future__ import annotations

from collections.abc import Sequence

from aim_jupyter.core.records import Gpu, Machine
from aim_jupyter.core.records.fit import Device


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
        free_bytes=min(_free(gpu) for gpu in gpus),
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


def _free(gpu: Gpu) -> int:
    return max(0, (gpu.vram_bytes or 0) - (gpu.vram_used_bytes or 0))
