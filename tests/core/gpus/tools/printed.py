"""What amd-smi prints of one MI300X, as its change logs and reports have it."""

from __future__ import annotations

import json
from typing import Any

from aim_jupyter.core.gpus.tools import capture
from aim_jupyter.core.records import Gpu

LIST = {
    "gpu": 0,
    "bdf": "0000:0c:00.0",
    "uuid": "1fff74a1-0000-1000-8045-9a4ac1d3eb4c",
    "kfd_id": 18421,
    "node_id": 2,
    "partition_id": 0,
    "render": "renderD128",
    "card": "card0",
    "hsa_id": 2,
    "hip_id": 0,
    "hip_uuid": "GPU-459a4ac1d3eb4c01",
}
STATIC = {
    "gpu": 0,
    "asic": {
        "market_name": "AMD Instinct MI300X",
        "vendor_id": "0x1002",
        "device_id": "0x74a1",
        "asic_serial": "0x459A4AC1D3EB4C01",
        "oam_id": 2,
        "num_compute_units": 304,
        "target_graphics_version": "gfx942",
    },
    "bus": {"bdf": "0000:0c:00.0", "max_pcie_width": 16},
    "vram": {"type": "HBM", "size": {"value": 196592, "unit": "MB"}},
    "partition": {
        "accelerator_partition": "SPX",
        "memory_partition": "NPS1",
        "partition_id": 0,
    },
    "numa": {"node": 0, "affinity": 0},
}
METRIC = {
    "gpu": 0,
    "usage": {"gfx_activity": {"value": 41, "unit": "%"}, "umc_activity": "N/A"},
    "power": {"socket_power": {"value": 612, "unit": "W"}},
    "temperature": {"edge": "N/A", "hotspot": {"value": 71, "unit": "C"}},
    "mem_usage": {
        "total_vram": {"value": 196592, "unit": "MB"},
        "used_vram": {"value": 284, "unit": "MB"},
    },
}
WHOLE = Gpu(
    name="AMD Instinct MI300X",
    model="MI300X",
    pci_device_id="0x74a1",
    gfx="gfx942",
    vram_bytes=196592 << 20,
    vram_used_bytes=284 << 20,
    vram_used_bytes_reported=284 << 20,
    render_minor=128,
    pci_bdf="0000:0c:00.0",
    partition_index=0,
    compute_partition="SPX",
    memory_partition="NPS1",
    unique_id_hex="459a4ac1d3eb4c01",
    cu_count=304,
    integrated=False,
    hip_index=0,
    rocr_index=0,
    source="amd-smi",
    kfd_node=2,
    gpu_id=18421,
    numa_node=0,
    busy_pct=41.0,
    power_w=612.0,
    temp_c=71.0,
)


def text(*documents: Any) -> str:
    return "\n".join(json.dumps(document, indent=4) for document in documents)


def listed(printed: str) -> tuple[Gpu, ...]:
    found = capture.parse(printed)
    assert found is not None
    return found.gpus
