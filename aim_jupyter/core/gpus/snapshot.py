"""The whole machine: processor, GPUs in HIP order, and who holds them."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping

from aim_jupyter.core import config, leases
from aim_jupyter.core.errors import StateUnusable
from aim_jupyter.core.gpus import masks, occupancy, probes, processor
from aim_jupyter.core.gpus import simulated as simulation
from aim_jupyter.core.records.gpu import Gpu, Machine


def machine(simulated: str | None = None) -> Machine:
    """Return what was found on this machine, or what a simulated one would have.

    Parameters
    ----------
    simulated : str, optional
        A machine that is not there, such as ``mi300x:8`` or ``mi300x:8:cpx-nps4``.

    Raises
    ------
    BadUsage, UnknownName
        If `simulated` is no machine that can be simulated.

    Examples
    --------
    >>> [gpu.model for gpu in machine("mi355x:2").gpus]
    ['MI355X', 'MI355X']
    """
    if simulated:
        return simulation.machine(simulated)
    began = time.perf_counter()
    notes: list[str] = []
    gpus = seen(_holders(notes), notes)
    return Machine(
        host=os.uname().nodename,
        gpus=gpus,
        cpu=processor.cpu(),
        read_s=time.perf_counter() - began,
        notes=tuple(notes),
    )


def seen(holders: Mapping[str, leases.Holder], notes: list[str]) -> tuple[Gpu, ...]:
    """Return what all probes see, judged with these leases; remarks are added to `notes`."""
    registry = probes.registered()
    notes += registry.refused
    gpus: list[Gpu] = []
    for name, probe in registry.probes.items():
        sighting = probes.look(name, probe, config.sys_root())
        notes += sighting.notes
        masked = masks.applied(sighting.gpus, os.environ)
        gpus += occupancy.settled(masked, holders, sighting.held)
    return tuple(gpus)


def _holders(notes: list[str]) -> Mapping[str, leases.Holder]:
    try:
        return leases.holders()
    except StateUnusable as error:
        notes.append(f"Leases can't be read: {error.found}")
        return {}
