"""Every AMD GPU of the node, truthfully: what there is, who holds it, and what may be used."""

from __future__ import annotations

import os
import time

from aim_jupyter.core import config
from aim_jupyter.core.gpus import inventory, processor
from aim_jupyter.core.gpus import simulated as _simulated
from aim_jupyter.core.gpus.devices import Device, device, devices
from aim_jupyter.core.gpus.tree import DiskTree, Reader
from aim_jupyter.core.records.gpu import Machine

__all__ = ["Device", "device", "devices", "machine"]


def machine(simulated: str | None = None) -> Machine:
    """Return what was found on this machine, or what a simulated one would have.

    Raises
    ------
    BadUsage, UnknownName
        If `simulated` is no machine that can be simulated.
    """
    if simulated:
        return _simulated.machine(simulated)
    began = time.perf_counter()
    reader = Reader(DiskTree(config.sys_root()))
    found = inventory.gpus(reader)
    return Machine(
        host=os.uname().nodename,
        gpus=found,
        cpu=processor.cpu(),
        read_s=time.perf_counter() - began,
        notes=tuple(reader.notes),
    )
