"""The machines that others captured: where they are, and how ours is compared with them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aim_jupyter.core.records import Gpu

ROOT = Path(__file__).parents[3].parent / "shared" / "fixtures" / "gpu"

needed = pytest.mark.skipif(not ROOT.is_dir(), reason=f"no captured machines in {ROOT}")

# Which files of a folder show the machine that its expected.json describes. A folder with a tree
# is not listed; of several tool outputs, those in one tuple are read as one machine.
OUTPUTS: dict[str, tuple[tuple[str, ...], ...]] = {
    "mi100-rocm602": (("mi100_rocm602.json",),),
    "mi25-7-oldrocm": (("rocminfo.txt",),),
    "mi250x-8gcd-hwloc": (("eas-tioga.xml",),),
    "mi300a-4-rocm-smi": (("rocm-smi-productname-driver.json",),),
    "mi300x-1-qpx-nps1": (("rocm-smi.txt", "rocm-smi-showmeminfo-vram.txt"),),
    "mi300x-2-amdsmi": (("gpustack_detect_output_amd_mi300x.json",),),
    "mi300x-4-partition-na-amd-smi-6.3": (("amd-smi-partition.txt",),),
    "mi300x-4-spx-vf": (("rocminfo.txt",),),
    "mi300x-8-spx-amd-smi7": (("amd-smi.txt",),),
    "mi300x-cpx-amd-smi-6.4": (("list-e.6.4.1.txt",),),
    "mi308x-8-amdsmi": (("gpustack_detect_output_amd_mi308x.json",),),
    "mi325x-8-rocminfo-excerpt": (("rocminfo-agent3-condensed.txt",),),
    "mi350x-mi355x-w7900-rocm-smi-names": (("rocm-smi.json",),),
    "raven-apu-kfd-enomem": (("rocminfo.txt",),),
    "rx6700xt-1-rocminfo-intel": (("rocminfo.txt",),),
    "rx6700xt-rocm430-602-612": (("rx6700xt_rocm612.json",),),
    "rx9070xt-igpu-kfd-denied": (("rocm-smi.txt", "rocminfo.txt"),),
    "strix-halo-apu": (("rocminfo.txt",),),
    "vega20-wks": (("vega-20-WKS-GL-XE.json",),),
}
TREES = ("mi210-8-spx", "mi308x-8-cpx-nps4", "radeon-drm-sysfs", "vega10-oldkernel-2")
UNSUPPORTED = {
    "rocprof-compute-sysinfo": "reference facts, no detection source (INDEX.md)",
    "rx9060xt-amdgpu_top": "a reference inventory of a tool that is no source here (INDEX.md)",
}

# What expected.json calls otherwise, or says in other words. None: not in our record at all.
SAME_AS: dict[str, str | None] = {
    "kfd_id": "gpu_id",
    "hip_id": "hip_index",
    "uuid": "unique_id_hex",
    "uuid_hex": "unique_id_hex",
    "busy_percent": "busy_pct",
    "card": None,  # the tool's own index
    "rsmi_name": None,
    "amdsmi_index": None,
    "oam_id": None,
    "serial": None,  # identifies the card: not read
}
REASONS = {"kfd_permission_denied": "/dev/kfd: permission denied"}


def expected(machine: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((ROOT / machine / "expected.json").read_text())
    return found


def tree(machine: str, into: Path) -> Path:
    """Return a root for ``AIM_SYS_ROOT``: the folder itself, or one that links its KFD in."""
    if (ROOT / machine / "sys").is_dir():
        return ROOT / machine
    place = into / machine / "sys" / "class" / "kfd"
    place.mkdir(parents=True)
    (place / "kfd").symlink_to(ROOT / machine / "kfd")
    return into / machine


def compared(wanted: dict[str, Any], gpu: Gpu) -> Iterator[tuple[str, Any, Any]]:
    """Yield every field of one expected GPU: its name, what is expected, and what we have."""
    for key, value in wanted.items():
        name = SAME_AS.get(key, key)
        if name is None:
            continue
        yield (key, *_pair(key, name, value, gpu))


def _pair(key: str, name: str, value: Any, gpu: Gpu) -> tuple[Any, Any]:
    said_otherwise = {
        "pci_bdf_physical": gpu.key.rpartition("-")[0] if gpu.key else None,
        "xgmi_hive": f"{gpu.hive_id:016x}" if gpu.hive_id else None,
        "busy": gpu.state == "busy",
        "vram_is_shared_with_siblings": gpu.compute_partition not in (None, "SPX")
        and gpu.vram_bytes is None,
        "vram_bytes_tool": gpu.vram_bytes,
    }
    if key == "uuid":  # tools print GPU-XX where there is none
        value = None if value in (None, "GPU-XX") else value.removeprefix("GPU-")
    elif key == "reason":
        value = REASONS[value]
    elif key == "vram_bytes_tool":  # what the tool prints for each partition: not believed
        value = None
    return value, said_otherwise[key] if key in said_otherwise else getattr(gpu, name)
