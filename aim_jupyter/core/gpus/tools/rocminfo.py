"""rocminfo: the HSA agents in the runtime's own order, or why it could not start.

Agents that are no GPU (processors, NPUs) are left out. The domain of the PCI address is not
printed, and the architecture may be a spoofed one (``HSA_OVERRIDE_GFX_VERSION``, facts 1.1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from msgspec.structs import replace

from aim_jupyter.core.gpus import pci
from aim_jupyter.core.gpus.tools import report
from aim_jupyter.core.gpus.tools.report import Report
from aim_jupyter.core.gpus.tree import U32
from aim_jupyter.core.records.gpu import Gpu

TOOL = "rocminfo"

_AGENT = re.compile(r"^\*+\s*\nAgent \d+.*\n\*+\s*$", re.MULTILINE)
_FIELD = re.compile(r"^  (\w[\w .()]*?):[ \t]*(.*?)[ \t]*$", re.MULTILINE)
_POOL = re.compile(r"GLOBAL[;,][^\n]*COARSE GRAINED\s+(?:Size:\s*)?(\d{1,15})[^\n]*KB")
_REFUSED = re.compile(r"Unable to open /dev/kfd read-write: (.+)")
_REFUSALS = {
    "Permission denied": "/dev/kfd: permission denied",
    "Cannot allocate memory": "/dev/kfd: the driver refuses (ENOMEM)",
    "Invalid argument": "/dev/kfd: the driver refuses (EINVAL)",
    "No such file or directory": "/dev/kfd is missing",
}


def from_text(text: str) -> Report | None:
    """Return the GPU agents, or None where it was not rocminfo."""
    if not re.search(r"ROCk module|HSA (System Attributes|Agents)|/dev/kfd read-write", text):
        return None
    gpus = [gpu for part in _AGENT.split(text)[1:] if (gpu := _gpu(part)) is not None]
    numbered = tuple(
        report.completed(replace(gpu, hip_index=position, rocr_index=position))
        for position, gpu in enumerate(gpus)
    )
    return Report(tool=TOOL, gpus=numbered, notes=_notes(text), refusal=_refusal(text))


def _gpu(part: str) -> Gpu | None:
    # Only the agent's own lines: pools and ISAs stand deeper, and repeat some names.
    facts = dict(reversed(_FIELD.findall(part)))
    if facts.get("Device Type") != "GPU":
        return None
    location = _plain(facts, "BDFID")
    address = pci.from_location(location, _plain(facts, "Domain"))
    pool = _POOL.search(part)
    return Gpu(
        name=report.word(facts.get("Marketing Name")),
        pci_device_id=_chip(facts),
        gfx=report.gfx(facts.get("Name")),
        vram_bytes=int(pool[1]) * 1024 if pool else None,
        pci_bdf=str(address) if address else None,
        unique_id_hex=report.unique_id(facts.get("Uuid")),
        cu_count=_plain(facts, "Compute Unit"),
        integrated=True if "APU" in facts.get("Memory Properties", "") else None,
        source=TOOL,
        kfd_node=_plain(facts, "Node"),
    )


def _plain(facts: Mapping[str, str], key: str) -> int | None:
    """Return the decimal of ``29857(0x74a1)``; an absent field is None."""
    return report.whole(facts.get(key, "").partition("(")[0], U32)


def _chip(facts: Mapping[str, str]) -> str | None:
    number = _plain(facts, "Chip ID")
    return report.pci_id(f"0x{number:04x}") if number else None


def _refusal(text: str) -> str | None:
    hit = _REFUSED.search(text)
    return _REFUSALS.get(hit[1].strip(), f"/dev/kfd: {hit[1].strip()}") if hit else None


def _notes(text: str) -> tuple[str, ...]:
    if "ROCk module is NOT loaded" in text:
        return ("rocminfo: the amdgpu driver is not loaded.",)
    hit = _REFUSED.search(text)
    return (f"rocminfo: {hit[0].strip()}.",) if hit else ()
