"""GPUStack's detector, which asks amdsmi."""

from __future__ import annotations

from typing import Any

from aim_jupyter.core.gpus.tools import gpustack

DEVICE: dict[str, Any] = {
    "manufacturer": "amd",
    "name": "AMD Instinct MI300X",
    "uuid": "GPU-459a4ac1d3eb4c01",
    "cores": 304,
    "cores_utilization": 41,
    "memory": 196592,
    "memory_used": 284,
    "temperature": 71,
    "power_used": 612,
    "compute_capability": "gfx942",
    "appendix": {"bdf": "0000:0C:00.0", "numa": "1", "renderd_id": 128},
}


def test_a_device_is_read_with_its_memory_in_mib() -> None:
    found = gpustack.from_json([[DEVICE]])
    assert found is not None
    (gpu,) = found.gpus
    assert (gpu.vram_bytes, gpu.vram_used_bytes) == (196592 << 20, 284 << 20)
    assert (gpu.model, gpu.gfx, gpu.cu_count) == ("MI300X", "gfx942", 304)
    assert (gpu.pci_bdf, gpu.render_minor, gpu.numa_node) == ("0000:0c:00.0", 128, 1)
    assert (gpu.busy_pct, gpu.power_w, gpu.temp_c) == (41.0, 612.0, 71.0)


def test_devices_of_others_are_left_out_and_without_amds_it_is_none() -> None:
    other = DEVICE | {"manufacturer": "nvidia"}
    found = gpustack.from_json([[other, DEVICE, "x"], DEVICE])
    assert found is not None
    assert len(found.gpus) == 2
    assert gpustack.from_json([[other]]) is None
    assert gpustack.from_json([]) is None


def test_a_damaged_appendix_leaves_the_rest() -> None:
    broken: Any
    for broken in (None, "x", [], {"bdf": "nonsense", "renderd_id": -1}):
        found = gpustack.from_json([DEVICE | {"appendix": broken}])
        assert found is not None
        (gpu,) = found.gpus
        assert (gpu.pci_bdf, gpu.render_minor, gpu.cu_count) == (None, None, 304)
