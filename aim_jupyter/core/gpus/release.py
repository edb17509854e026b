"""Whether GPUs are free again after what used them has ended."""

from __future__ import annotations

from collections.abc import Collection

from aim_jupyter.core.gpus import snapshot
from aim_jupyter.core.sizes import GIB


def unreleased(ordinals: Collection[int]) -> list[str]:
    """Return a sentence part for each of these GPUs on which memory is still held.

    Judged by the driver alone: leases, our own among them, say nothing about memory.

    Parameters
    ----------
    ordinals : collection of int
        HIP ordinals.

    Returns
    -------
    list of str
        Who holds what: ``GPU 4: bob (pid 38850) holds 12.3 GiB``.
    """
    found = []
    for gpu in snapshot.seen({}, []):
        if gpu.hip_index not in ordinals or gpu.state not in ("busy", "unexplained"):
            continue
        if gpu.state == "unexplained":
            found.append(f"GPU {gpu.hip_index}: {gpu.reason}")
            continue
        who = gpu.holder or "another user or container"
        held = (gpu.vram_used_bytes or 0) / GIB
        found.append(f"GPU {gpu.hip_index}: {who} (pid {gpu.pid}) holds {held:.1f} GiB")
    return found
