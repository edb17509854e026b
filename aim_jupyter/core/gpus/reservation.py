"""Leases on GPUs, with the occupancy read again once they are held."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from aim_jupyter.core import leases
from aim_jupyter.core.errors import GpuUnavailable
from aim_jupyter.core.gpus import snapshot
from aim_jupyter.core.leases import Lease
from aim_jupyter.core.records.gpu import Gpu
from aim_jupyter.core.sizes import GIB

_LOOK = "%aim gpus"
_DOCTOR = "%aim doctor"


def reserve(chosen: Sequence[Gpu], *, info: dict[str, Any], share: bool = False) -> Lease:
    """Lease these GPUs, look again whether they are free, and return the lease.

    Foreign tools ignore leases, and other containers may not see them: only what the driver says
    after taking counts (facts 4.3).

    Parameters
    ----------
    chosen : sequence of Gpu
        As `machine` listed them.
    info : dict
        What others may read about the holder: ``server``, ``model``; never a secret.
    share : bool
        Take them although others hold memory there without a lease.

    Raises
    ------
    GpuUnavailable
        If one is leased, held by a process, or has memory in use that nobody explains.
    StateUnusable
        If the folder of the leases can't be used.
    """
    keys = [key for gpu in chosen if (key := gpu.key) is not None]
    if len(keys) < len(chosen):
        raise GpuUnavailable("A GPU without a PCI address can't be leased.", _LOOK)
    lease = leases.take(keys, info=info)
    try:
        # Judged without any lease: ours would make each of them busy.
        now = {gpu.key: gpu for gpu in snapshot.seen({}, [])}
        for key in keys:
            _check(key, now.get(key), share=share)
    except BaseException:
        lease.release()
        raise
    return lease


def _check(key: str, gpu: Gpu | None, *, share: bool) -> None:
    if gpu is None:
        raise GpuUnavailable(f"{key} is gone: the driver lists it no more.", _LOOK)
    if gpu.state == "hidden":
        raise GpuUnavailable(f"{key} is hidden: {gpu.reason or 'by a mask'}.", _LOOK)
    if gpu.usable is False:
        raise GpuUnavailable(f"{key} can't be used: {gpu.reason or 'not open to you'}.", _DOCTOR)
    if share or gpu.state not in ("busy", "unexplained"):
        return
    if gpu.state == "unexplained":
        raise GpuUnavailable(f"{key}: {gpu.reason}.", _LOOK)
    holder = f"{gpu.holder or 'another user or container'} (pid {gpu.pid})"
    used = f"{(gpu.vram_used_bytes or 0) / GIB:.1f} GiB"
    raise GpuUnavailable(f"{key}: {holder} holds {used} without a lease.", _LOOK)
