"""The GPUs of a machine as the fit sees them."""

from __future__ import annotations

from aim_jupyter.core.choice.devices import device_of, processor
from aim_jupyter.core.records import Cpu, Gpu, Machine


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
