"""Partition modes told from the topology alone, against every mode that the table lists."""

from __future__ import annotations

import pytest

from aim_jupyter.core import devices, gpus
from aim_jupyter.core.gpus import partitions
from aim_jupyter.core.gpus.topology import Node
from aim_jupyter.core.records import Gpu
from aim_jupyter.core.sizes import GIB

MODES = [
    (row.key, compute, memory)
    for row in devices.devices()
    for compute, allowed in row.modes.items()
    for memory in allowed
    if row.model
]


def nodes(found: tuple[Gpu, ...]) -> list[Node]:
    return [
        Node(
            index=index,
            device_id=int(gpu.pci_device_id or "0", 16),
            vram_bytes=gpu.vram_bytes,
            num_xcc=gpu.num_xcc,
        )
        for index, gpu in enumerate(found)
    ]


@pytest.mark.parametrize(("key", "compute", "memory"), MODES)
def test_every_mode_of_the_table_is_told_from_xccs_and_sizes(
    key: str, compute: str, memory: str
) -> None:
    found = nodes(gpus.machine(f"{key}:1:{compute}-{memory}").gpus)
    assert partitions.compute_mode(found) == compute
    known = devices.devices()[[row.key for row in devices.devices()].index(key)].vram_bytes
    told = partitions.memory_mode(found)
    # One partition has nothing to compare with, and sizes that nobody has seen prove nothing.
    assert told == (memory if known and compute != "SPX" else None)


def test_the_mode_holds_where_a_container_shows_only_some_partitions() -> None:
    found = nodes(gpus.machine("mi300x:1:cpx-nps4").gpus)[:3]
    assert partitions.compute_mode(found) == "CPX"
    assert partitions.memory_mode(found) is None


def test_an_old_kernel_tells_no_mode() -> None:
    assert partitions.compute_mode([Node(index=1, device_id=0x6860)]) is None
    assert partitions.memory_mode([Node(index=1, device_id=0x6860)]) is None


def test_sizes_that_do_not_add_up_tell_nothing() -> None:
    found = [Node(index=i, device_id=0x74A1, num_xcc=1, vram_bytes=20 << 30) for i in range(8)]
    assert partitions.compute_mode(found) == "CPX"
    assert partitions.memory_mode(found) is None


def test_an_unknown_gpu_is_judged_by_what_is_in_sight() -> None:
    found = [Node(index=i, device_id=0x9999, num_xcc=2, vram_bytes=GIB) for i in range(4)]
    assert partitions.compute_mode(found) == "QPX"
    assert partitions.memory_mode(found) is None
