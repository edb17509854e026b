"""The GPUs of a tree: KFD's nodes in HIP order, joined with their cards by PCI address."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from aim_jupyter.core import devices
from aim_jupyter.core.gpus import drm, partitions, topology
from aim_jupyter.core.gpus.access import Doors
from aim_jupyter.core.gpus.drm import Card
from aim_jupyter.core.gpus.topology import Node, Topology
from aim_jupyter.core.gpus.tree import Reader
from aim_jupyter.core.records.gpu import Gpu
from aim_jupyter.core.sizes import GIB

# GPUs inside a processor, facts 2.4. gfx942 is not among them: an MI300A is an accelerator.
_INTEGRATED = frozenset(
    f"gfx{version}"
    for version in (902, 909, "90c", 1013, 1033, 1035, 1036, 1037, 1103, 1150, 1151, 1152, 1153)
)


def gpus(reader: Reader) -> tuple[Gpu, ...]:
    """Return every GPU of the tree: those that the runtime lists, in its order, then the others."""
    found = topology.read(reader)
    folders = drm.find(reader)
    cards = {slot: drm.read(reader, folder) for slot, folder in _physical(found, folders).items()}
    families = _families(found.nodes)
    listed = [
        _listed(node, families[_family(node)], cards.get(_card_key(node))) for node in found.nodes
    ]
    others = [
        _unlisted(drm.read(reader, folder), found) for folder in _spare(reader, found, folders)
    ]
    if found.hidden:
        reader.note(
            f"{len(found.hidden)} GPU(s) of this node belong to other containers (device cgroup)."
        )
    return (*_numbered(listed, Doors(reader)), *others)


def _numbered(listed: Sequence[Gpu], doors: Doors) -> list[Gpu]:
    """Count the GPUs as the runtime does, which skips those whose render node is not here."""
    found, rank = [], 0
    for gpu in listed:
        access = doors.access(gpu.render_minor)
        found.append(
            replace(
                gpu,
                usable=access.usable,
                reason=access.reason,
                rocr_index=rank if access.passed else None,
                state=None if access.passed else "hidden",
            )
        )
        rank += access.passed
    return found


def _spare(reader: Reader, found: Topology, folders: dict[str, str]) -> list[str]:
    """Return the cards that no listed GPU stands for."""
    used = {_card_key(node) for node in found.nodes}
    spare = [folder for key, folder in sorted(folders.items()) if key not in used]
    sure = {folder for key, folder in folders.items() if key != folder}
    # Where an address can't be read, a card may be one that is listed: two would be made of one.
    unsure = [folder for folder in spare if "" in used or (used and folder not in sure)]
    if unsure:
        reader.note("A PCI address can't be read: cards without a match are left out.")
    return [folder for folder in spare if folder not in unsure]


def _physical(found: Topology, folders: dict[str, str]) -> dict[str, str]:
    """Return the card folder of every listed GPU; one folder serves all its partitions."""
    keys = {_card_key(node) for node in found.nodes} - {""}
    return {key: folders.get(key, f"{drm.PCI}/{key}") for key in keys}


def _card_key(node: Node) -> str:
    if node.address is None:
        return ""
    # Partitions count in the function bits, and only function 0 is on the bus.
    return f"{node.address.slot}.{0 if node.partitionable else node.address.function}"


def _family(node: Node) -> tuple[str, int | None]:
    return (_card_key(node) or f"node {node.index}", node.unique_id)


def _families(nodes: Sequence[Node]) -> dict[tuple[str, int | None], list[Node]]:
    families: dict[tuple[str, int | None], list[Node]] = {}
    for node in nodes:
        families.setdefault(_family(node), []).append(node)
    return families


def _listed(node: Node, siblings: Sequence[Node], card: Card | None) -> Gpu:
    card = card or Card()
    pci_id = devices.hexadecimal(node.device_id or card.device_id)
    row = devices.device(pci_id)
    split = len(siblings) > 1 or (partitions.count(siblings) or 1) > 1
    reported = card.vram_used_bytes if card.vram_used_bytes is not None else node.vram_used_bytes
    unique = node.unique_id or card.unique_id
    # On a partitioned GPU these are the whole device's: shown once, with its first partition.
    sensors = card if _partition_index(node) in (0, None) else Card()
    return Gpu(
        name=(row.name if row else None) or card.name,
        model=row.model if row else None,
        pci_device_id=pci_id,
        gfx=node.gfx,
        vram_bytes=node.vram_bytes or (None if split else card.vram_bytes),
        vram_used_bytes=None if split else reported,
        vram_used_bytes_reported=reported,
        render_minor=node.render_minor,
        pci_bdf=str(node.address) if node.address else None,
        partition_index=_partition_index(node),
        compute_partition=card.compute_partition or partitions.compute_mode(siblings),
        memory_partition=card.memory_partition or partitions.memory_mode(siblings),
        unique_id_hex=f"{unique:016x}" if unique else None,
        cu_count=node.cu_count,
        integrated=integrated(row, node.gfx, card, with_cpu=node.with_cpu),
        source="kfd",
        kfd_node=node.index,
        gpu_id=node.gpu_id,
        num_xcc=node.num_xcc,
        hive_id=node.hive_id,
        numa_node=card.numa_node,
        busy_pct=sensors.busy_pct,
        power_w=sensors.power_w,
        temp_c=sensors.temp_c,
    )


def _partition_index(node: Node) -> int | None:
    if node.address is None:
        return None
    return node.address.function if node.partitionable else 0


def _unlisted(card: Card, found: Topology) -> Gpu:
    """Return a card that HIP does not list: another container's, or one without compute."""
    pci_id = devices.hexadecimal(card.device_id)
    row = devices.device(pci_id)
    return Gpu(
        name=(row.name if row else None) or card.name,
        model=row.model if row else None,
        pci_device_id=pci_id,
        vram_bytes=card.vram_bytes,
        vram_used_bytes=card.vram_used_bytes,
        vram_used_bytes_reported=card.vram_used_bytes,
        pci_bdf=str(card.address) if card.address else None,
        partition_index=0 if card.address else None,
        compute_partition=card.compute_partition,
        memory_partition=card.memory_partition,
        unique_id_hex=f"{card.unique_id:016x}" if card.unique_id else None,
        integrated=integrated(row, None, card),
        usable=False,
        reason="belongs to another container" if found.hidden else "no compute driver (KFD) for it",
        source="drm",
        numa_node=card.numa_node,
        busy_pct=card.busy_pct,
        power_w=card.power_w,
        temp_c=card.temp_c,
        state="hidden" if found.hidden else None,
    )


def integrated(
    row: devices.Device | None,
    gfx: str | None,
    card: Card | None = None,
    *,
    with_cpu: bool = False,
) -> bool | None:
    """Return whether a GPU sits inside a processor and shares its memory (facts 2.4), if known."""
    if row is not None:
        return row.integrated
    if gfx in _INTEGRATED or with_cpu:
        return True
    if card is not None and card.vram_bytes is not None:
        if card.vram_vendor is not None or card.vram_bytes > 4 * GIB:
            return False
        if card.gtt_bytes is not None:
            return card.gtt_bytes >= 4 * card.vram_bytes
    return False if gfx else None
