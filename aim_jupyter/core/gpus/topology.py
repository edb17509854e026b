"""The KFD topology: which GPUs the ROCm runtime will list, in its order.

``/sys/class/kfd/kfd/topology/nodes/<N>``, written by ``kfd_topology.c`` and readable by everyone.
A node is a GPU if it has SIMDs and AMD's vendor id; HIP counts those in node order, and a node
whose files answer EPERM belongs to another container [facts 1.2, 2.1].
"""

from __future__ import annotations

from msgspec import Struct

from aim_jupyter.core.gpus import pci
from aim_jupyter.core.gpus.tree import U32, Reader, decimal

TOPOLOGY = "sys/class/kfd/kfd/topology"
AMD = 0x1002

_HEAPS_OF_VRAM = (1, 2)
_MOST_CU = 4096
_TRIES = 3


class Node(Struct, frozen=True, kw_only=True):
    """One GPU node as the kernel describes it. Memory in bytes; None is what it does not say."""

    index: int
    gpu_id: int | None = None
    device_id: int | None = None
    gfx: str | None = None
    address: pci.Address | None = None
    partitionable: bool = False
    vram_bytes: int | None = None
    vram_used_bytes: int | None = None
    render_minor: int | None = None
    unique_id: int | None = None
    cu_count: int | None = None
    num_xcc: int | None = None
    hive_id: int | None = None
    with_cpu: bool = False


class Topology(Struct, frozen=True):
    """All GPU nodes in HIP order, and the nodes that belong to other containers.

    Attributes
    ----------
    present : bool
        Whether there is a KFD at all.
    hidden : tuple of int
        Node numbers whose files the kernel refused: GPUs outside this device cgroup.
    """

    present: bool
    nodes: tuple[Node, ...] = ()
    hidden: tuple[int, ...] = ()


def read(reader: Reader) -> Topology:
    """Read all nodes, once more if the kernel changed them meanwhile (``generation_id``)."""
    for _ in range(_TRIES):
        before = reader.text(f"{TOPOLOGY}/generation_id")
        found = _all_nodes(reader)
        if reader.text(f"{TOPOLOGY}/generation_id") == before:
            return found
    reader.note("The KFD topology kept changing while it was read.")
    return found


def gfx_name(version: int | None) -> str | None:
    """Return the architecture in ``gfx_target_version``; minor and stepping are hexadecimal.

    Examples
    --------
    >>> gfx_name(90010), gfx_name(90402), gfx_name(110501)
    ('gfx90a', 'gfx942', 'gfx1151')
    """
    if not version or version > 999_999:  # noqa: PLR2004 - two digits each for major, minor, step
        return None
    return f"gfx{version // 10000}{version // 100 % 100:x}{version % 100:x}"


def _all_nodes(reader: Reader) -> Topology:
    names = reader.names(f"{TOPOLOGY}/nodes")
    if not names:
        return Topology(present=reader.facts("sys/class/kfd/kfd") is not None)
    # Sorted as numbers: as words, node 10 would come before node 2.
    numbers = sorted(n for n in map(decimal, names) if n is not None and str(n) in names)
    nodes, hidden = [], []
    for number in numbers:
        node = _node(reader, number)
        if node is not None:
            nodes.append(node)
        elif f"{TOPOLOGY}/nodes/{number}/properties" in reader.denied:
            hidden.append(number)
    return Topology(present=True, nodes=tuple(nodes), hidden=tuple(hidden))


def _node(reader: Reader, number: int) -> Node | None:
    folder = f"{TOPOLOGY}/nodes/{number}"
    facts = reader.pairs(f"{folder}/properties")
    if not facts.get("simd_count") or facts.get("vendor_id") != AMD:
        return None
    gpu_id = reader.number(f"{folder}/gpu_id", U32)
    if gpu_id == 0:
        return None
    version = facts.get("gfx_target_version")
    total, used = _memory(reader, folder)
    return Node(
        index=number,
        gpu_id=gpu_id,
        device_id=_within(facts.get("device_id"), 0xFFFF),
        gfx=gfx_name(version),
        address=pci.from_location(facts.get("location_id"), facts.get("domain")),
        partitionable=_partitionable(version),
        vram_bytes=total or _within(facts.get("local_mem_size")),
        vram_used_bytes=used,
        render_minor=_within(facts.get("drm_render_minor"), 0xFFFFF),
        unique_id=facts.get("unique_id") or None,
        cu_count=_compute_units(facts),
        num_xcc=_within(facts.get("num_xcc"), 64),
        hive_id=facts.get("hive_id") or None,
        with_cpu=facts.get("cpu_cores_count", 0) > 0,
    )


def _memory(reader: Reader, folder: str) -> tuple[int | None, int | None]:
    """Return size and use of the VRAM banks; None where no bank says."""
    total = 0
    used: int | None = None
    for bank in reader.names(f"{folder}/mem_banks"):
        facts = reader.pairs(f"{folder}/mem_banks/{bank}/properties")
        if facts.get("heap_type") in _HEAPS_OF_VRAM:
            total += facts.get("size_in_bytes", 0)
            said = reader.number(f"{folder}/mem_banks/{bank}/used_memory", 1 << 50)
            used = said if used is None else used
    return _within(total, 1 << 50), used


def _compute_units(facts: dict[str, int]) -> int | None:
    per_unit = facts.get("simd_per_cu")
    return _within(facts["simd_count"] // per_unit, _MOST_CU) if per_unit else None


def _partitionable(version: int | None) -> bool:
    """Whether the function bits may count partitions: from gfx942 on, never on a Radeon."""
    return version is not None and (90402 <= version < 100_000 or version >= 120_500)  # noqa: PLR2004


def _within(number: int | None, most: int = 1 << 50) -> int | None:
    """Return a number that the field can hold; 0 is the kernel's word for unset."""
    return number if number and number <= most else None
