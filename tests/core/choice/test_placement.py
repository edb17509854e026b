"""On which devices: free, of one kind and one size, close to each other."""

import pytest
from msgspec import structs

from aim_jupyter.core.choice.placement import Devices
from aim_jupyter.core.devices import kind_name
from aim_jupyter.core.errors import GpuUnavailable
from aim_jupyter.core.fit import device_of, processor
from aim_jupyter.core.recipes import catalogue
from aim_jupyter.core.records import Cpu, Gpu, Machine
from tests.core.choice.test_ranking import first
from tests.core.conftest import box, gpus, rank


@pytest.mark.parametrize(
    ("states", "tp", "taken"),
    [
        (("free",) * 8, 2, (0, 1)),
        (("busy", "free", "free", "busy", "free", "free"), 2, (1, 2)),
        (("free", "unexplained", "hidden", "free"), 2, (0, 3)),
        (("busy", "free"), 1, (1,)),
    ],
)
def test_free_devices_are_taken(states: tuple[str, ...], tp: int, taken: tuple[int, ...]) -> None:
    assert tuple(one.hip_index for one in Devices(gpus(*states), "MI300X", None).place(tp)) == taken


@pytest.mark.parametrize(
    ("machine", "count", "said"),
    [
        (gpus("free", "busy", "free", "busy"), 4, "needs 4 GPUs, 2 are free: 0, 2"),
        (gpus("free", "busy"), 2, "needs 2 GPUs, 1 is free: 0"),
        (gpus("busy", "busy"), 2, "needs 2 GPUs, none is free"),
        (gpus("free"), 2, "needs 2 GPUs, there is 1"),
        (gpus("free", kind="MI325X"), 1, "for MI300X; this machine has MI325X"),
        (gpus("free", usable=False), 1, "for MI300X; this machine has no usable GPU"),
        (Machine(host="x"), 1, "for MI300X; this machine has no GPU"),
    ],
)
def test_why_not_enough(machine: Machine, count: int, said: str) -> None:
    with pytest.raises(GpuUnavailable) as error:
        Devices(machine, "MI300X", None).place(count)
    assert error.value.found == said


def test_same_hive_then_same_numa_node_then_the_smallest_group() -> None:
    facts = [(1, 0), (1, 0), (1, 1), (1, 1), (2, 2), (2, 2), (2, 3)]
    made = tuple(
        structs.replace(gpu, hive_id=hive, numa_node=numa)
        for gpu, (hive, numa) in zip(box(count=7).gpus, facts, strict=True)
    )
    machine = Machine(host="x", gpus=made)
    assert _placed(machine, 1) == (6,)
    assert _placed(machine, 2) == (4, 5)
    assert _placed(machine, 4) == (0, 1, 2, 3)
    assert _placed(machine, 6) == (0, 1, 2, 3, 4, 5)


def test_partitions_of_different_size_are_not_mixed() -> None:
    whole = box(count=4).gpus
    made = (*whole[:2], *(structs.replace(one, vram_bytes=24 << 30) for one in whole[2:]))
    machine = Machine(host="x", gpus=made)
    assert _placed(machine, 2) == (0, 1)
    with pytest.raises(GpuUnavailable, match="needs 3 GPUs of one size"):
        _placed(machine, 3)


def test_only_among_the_gpus_asked_for() -> None:
    assert first("Qwen/Qwen3-32B", box(), gpus=[5]).gpus == (5,)
    choices = rank(catalogue().find("Qwen/Qwen3-32B"), box(), gpus=[4, 5])
    assert all(set(one.gpus) <= {4, 5} for one in choices)
    with pytest.raises(GpuUnavailable, match="There is no GPU 9"):
        first("Qwen/Qwen3-32B", box(), gpus=[1, 9])


def test_mi250_is_served_as_mi250x() -> None:
    assert kind_name("MI250") == "MI250X"
    assert kind_name("V100") is None
    assert first("qwen3-8b", gpus("free", kind="MI250X", model="MI250")).verdict == "FITS"


def _placed(machine: Machine, count: int) -> tuple[int | None, ...]:
    return tuple(one.hip_index for one in Devices(machine, "MI300X", None).place(count))


def test_of_several_the_fullest_decides_what_is_free() -> None:
    two = [
        Gpu(model="MI300X", vram_bytes=100, vram_used_bytes=10, gfx="gfx942"),
        Gpu(model="MI300X", vram_bytes=90, vram_used_bytes=200),
    ]
    found = device_of(two, 8)
    assert found is not None
    assert (found.total_bytes, found.free_bytes, found.count) == (90, 0, 8)
    assert (found.model, found.gfx, found.family) == ("MI300X", "gfx942", "rocm")


def test_one_whose_memory_nobody_knows_is_no_device() -> None:
    assert device_of([], 0) is None
    assert device_of([Gpu(vram_bytes=1), Gpu()], 2) is None
    nameless = device_of([Gpu(vram_bytes=5)], 1)
    assert nameless is not None
    assert (nameless.model, nameless.free_bytes) == ("an unknown GPU", 5)


def test_a_processor_is_known_by_what_is_there_or_else_by_what_is_free() -> None:
    both = processor(Machine(host="h", cpu=Cpu(memory_bytes=10, memory_available_bytes=4)))
    assert both is not None
    assert (both.total_bytes, both.free) == (10, 4)
    free = processor(Machine(host="h", cpu=Cpu(memory_available_bytes=4)))
    assert free is not None
    assert free.total_bytes == 4
    assert processor(Machine(host="h")) is None
