"""GPUStack's detector (``gpustack-runtime detect --format json``), which asks amdsmi."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from aim_jupyter.core.gpus import pci
from aim_jupyter.core.gpus.tools import report
from aim_jupyter.core.gpus.tools.report import Report
from aim_jupyter.core.records.gpu import Gpu

TOOL = "gpustack"


def from_json(documents: Sequence[Any]) -> Report | None:
    """Return its AMD devices, or None where it was not GPUStack. Memory is in MiB."""
    entries = [
        entry
        for document in documents
        for entry in (document if isinstance(document, list) else [document])
        if isinstance(entry, Mapping) and entry.get("manufacturer") == "amd"
    ]
    if not entries:
        return None
    return Report(tool=TOOL, gpus=tuple(report.completed(_gpu(entry)) for entry in entries))


def _gpu(facts: Mapping[str, Any]) -> Gpu:
    more = facts.get("appendix")
    more = more if isinstance(more, Mapping) else {}
    address = pci.parse(report.word(more.get("bdf")))
    return Gpu(
        name=report.word(facts.get("name")),
        gfx=report.gfx(facts.get("compute_capability")),
        vram_bytes=report.size(facts.get("memory")),
        vram_used_bytes=report.size(facts.get("memory_used")),
        render_minor=report.whole(more.get("renderd_id"), 1 << 20),
        pci_bdf=str(address) if address else None,
        unique_id_hex=report.unique_id(facts.get("uuid")),
        cu_count=report.whole(facts.get("cores"), 4096),
        numa_node=report.whole(more.get("numa"), 1 << 16),
        busy_pct=report.number(facts.get("cores_utilization")),
        power_w=report.number(facts.get("power_used")),
        temp_c=report.number(facts.get("temperature")),
        source=TOOL,
    )
