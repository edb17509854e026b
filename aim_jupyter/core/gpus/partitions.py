"""Which partition mode a GPU is in, from what the topology says, where the driver does not.

The driver's own word (``current_compute_partition``) wins; reading it may wake an idle GPU, and a
container may hide it, so the mode is otherwise derived from the XCCs and the sizes of the nodes.
"""

from __future__ import annotations

from collections.abc import Sequence

from aim_jupyter.core import devices
from aim_jupyter.core.gpus.topology import Node
from aim_jupyter.core.sizes import GIB

_BY_COUNT = {1: "SPX", 2: "DPX", 3: "TPX", 4: "QPX"}
_DOMAINS = (1, 2, 4, 8)
_PAGE = 4096


def count(siblings: Sequence[Node]) -> int | None:
    """Return into how many partitions the GPU of these nodes is split.

    The device table knows the XCCs of a whole GPU, so this holds even where a container shows
    only some of its partitions; for an unknown GPU all partitions are taken to be in sight.
    """
    per_node = siblings[0].num_xcc
    if per_node is None:
        return None
    row = devices.device(devices.hexadecimal(siblings[0].device_id))
    whole = row.xcc if row and row.xcc else per_node * len(siblings)
    return whole // per_node if whole % per_node == 0 else len(siblings)


def compute_mode(siblings: Sequence[Node]) -> str | None:
    """Return SPX to CPX from the XCCs per node (facts 2.3), or None on an old kernel."""
    parts = count(siblings)
    if parts is None:
        return None
    if parts > 1 and siblings[0].num_xcc == 1:
        return "CPX"
    return _BY_COUNT.get(parts, "CPX")


def memory_mode(siblings: Sequence[Node]) -> str | None:
    """Return NPS1 to NPS8 from the partitions' sizes, or None where they do not tell.

    The driver's reserve comes out of the last memory domain alone, and the partitions in that
    domain share the loss: one short partition of four is four domains (NPS4), all short is NPS1.
    Derived from the captured MI308X in CPX/NPS4 and `amdgpu_amdkfd_xcp_memory_size`; unverified
    for the other modes.
    """
    parts = count(siblings)
    row = devices.device(devices.hexadecimal(siblings[0].device_id))
    if parts is None or parts == 1 or parts != len(siblings) or not row or not row.vram_gib:
        return None
    sizes = [node.vram_bytes or 0 for node in siblings]
    # Only where the partitions add up to the whole GPU as it is known can a shortfall be read.
    if abs(sum(sizes) - (row.vram_bytes or 0)) > _PAGE * parts:
        return None
    short = sum(1 for size in sizes if size < row.vram_gib * GIB // parts)
    domains = parts // short if short and parts % short == 0 else None
    return f"NPS{domains}" if domains in _DOMAINS else None
