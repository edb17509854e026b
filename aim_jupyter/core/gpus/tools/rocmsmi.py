"""rocm-smi: JSON of any version, and its two kinds of text.

Keys were renamed in 6.0 and 6.1 (facts 1.4); ``-a`` prints the same keys as text lines, so both go
through one reading. The concise table is the only one with the partition's index.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from aim_jupyter.core.gpus import pci
from aim_jupyter.core.gpus.drm import Card
from aim_jupyter.core.gpus.tools import report
from aim_jupyter.core.gpus.tools.report import Report
from aim_jupyter.core.records.gpu import Gpu

TOOL = "rocm-smi"

_CARD = re.compile(r"card(\d{1,4})")
_LINE = re.compile(r"^GPU\[(\d{1,4})\]\s*:\s*(.+?):\s*(.*)$", re.MULTILINE)
_NEW_ROW = re.compile(r"^(\d{1,4})\s+(\d{1,6})\s+(0x[0-9a-fA-F]{4}),\s+(\d{1,10})\s+(.*)$")
_OLD_ROW = re.compile(r"^(\d{1,4})\s+\[(0x[0-9a-fA-F]{4}) : 0x[0-9a-fA-F]+\]\s+(.*)$")
_MODES = re.compile(r"(NPS\d|N/A),\s+([A-Z]{3}|N/A)(?:,\s+(\d+|N/A))?")


def from_json(documents: Sequence[Any]) -> Report | None:
    """Return what ``rocm-smi --json`` said, or None where it was not rocm-smi."""
    cards: dict[int, dict[str, Any]] = {}
    for document in documents:
        for key, facts in document.items() if isinstance(document, Mapping) else ():
            hit = _CARD.fullmatch(key)
            if hit and isinstance(facts, Mapping):
                cards.setdefault(int(hit[1]), {}).update(facts)
    return _report(cards, {}) if cards else None


def from_text(text: str) -> Report | None:
    """Return what rocm-smi printed as text, or None where it was not rocm-smi."""
    cards: dict[int, dict[str, Any]] = {}
    for index, key, value in _LINE.findall(text):
        cards.setdefault(int(index), {})[key.strip()] = value.strip()
    rows = _rows(text.splitlines())
    if not cards and not rows and "ROCm System Management Interface" not in text:
        return None
    return _report(cards, rows)


def _report(cards: Mapping[int, Mapping[str, Any]], rows: Mapping[int, Gpu]) -> Report:
    found = []
    for index in sorted({*cards, *rows}):
        facts = cards.get(index, {})
        gpu = _gpu(facts, rows.get(index, Gpu(source=TOOL)))
        found.append(report.completed(gpu, _memory(facts)))
    return Report(tool=TOOL, gpus=_numbered(found))


def _gpu(facts: Mapping[str, Any], row: Gpu) -> Gpu:
    """Return the GPU of one card's keys, over what the concise table said."""
    # "Card model" was the subsystem's id before 6.1, and is not read at all.
    device = _first(facts, "Device ID", "GPU ID")
    return replace(
        row,
        name=report.word(_first(facts, "Card Series", "Card series", "Device Name")) or row.name,
        pci_device_id=report.pci_id(device) or row.pci_device_id,
        gfx=report.gfx(facts.get("GFX Version")),
        vram_bytes=report.whole(facts.get("VRAM Total Memory (B)")),
        vram_used_bytes=report.whole(facts.get("VRAM Total Used Memory (B)")),
        pci_bdf=_bdf(facts.get("PCI Bus")),
        compute_partition=report.compute_mode(facts.get("Compute Partition"))
        or row.compute_partition,
        memory_partition=report.memory_mode(facts.get("Memory Partition")) or row.memory_partition,
        unique_id_hex=report.unique_id(facts.get("Unique ID")),
        kfd_node=report.whole(facts.get("Node ID")) if "Node ID" in facts else row.kfd_node,
        gpu_id=report.whole(facts.get("GUID")) if "GUID" in facts else row.gpu_id,
        numa_node=report.whole(facts.get("(Topology) Numa Node")),
        busy_pct=_or(report.number(facts.get("GPU use (%)")), row.busy_pct),
        power_w=_or(_power(facts), row.power_w),
        temp_c=_or(_temperature(facts), row.temp_c),
    )


def _memory(facts: Mapping[str, Any]) -> Card:
    return Card(
        vram_bytes=report.whole(facts.get("VRAM Total Memory (B)")),
        gtt_bytes=report.whole(facts.get("GTT Total Memory (B)")),
        vram_vendor=report.word(facts.get("GPU memory vendor")),
    )


def _rows(lines: Sequence[str]) -> dict[int, Gpu]:
    """Return the rows of the concise table, of 6.1 and later or of 6.0."""
    found: dict[int, Gpu] = {}
    for line, below in zip(lines, [*lines[1:], ""], strict=True):
        if hit := _NEW_ROW.match(line.strip()):
            index, node, device, guid, rest = hit.groups()
            gpu = Gpu(source=TOOL, kfd_node=int(node), gpu_id=int(guid), pci_device_id=device)
        elif hit := _OLD_ROW.match(line.strip()):
            index, device, rest = hit.groups()
            gpu = Gpu(source=TOOL, name=report.word(below), pci_device_id=device)
        else:
            continue
        found[int(index)] = _measured(gpu, rest)
    return found


def _measured(gpu: Gpu, rest: str) -> Gpu:
    modes = _MODES.search(rest)
    memory, compute, partition = modes.groups() if modes else (None, None, None)
    load = re.search(r"(\d+)%\s*$", rest)
    return replace(
        gpu,
        pci_device_id=report.pci_id(gpu.pci_device_id),
        compute_partition=report.compute_mode(compute),
        memory_partition=report.memory_mode(memory),
        partition_index=report.whole(partition, 7),
        busy_pct=report.number(load[1]) if load else None,
        power_w=_measure(rest, r"([\d.]+)W"),
        temp_c=_measure(rest, r"([\d.]+)°C"),
    )


def _measure(text: str, pattern: str) -> float | None:
    hit = re.search(pattern, text)
    return report.number(hit[1]) if hit else None


def _numbered(gpus: Sequence[Gpu]) -> tuple[Gpu, ...]:
    """Give HIP ordinals where every KFD node is known: rocm-smi itself counts by PCI address."""
    nodes = [gpu.kfd_node for gpu in gpus]
    if None in nodes or len(set(nodes)) != len(nodes):
        return tuple(gpus)
    order = sorted(node for node in nodes if node is not None)
    return tuple(
        replace(gpu, hip_index=order.index(gpu.kfd_node), rocr_index=order.index(gpu.kfd_node))
        for gpu in gpus
        if gpu.kfd_node is not None
    )


def _first(facts: Mapping[str, Any], *keys: str) -> Any:
    return next((facts[key] for key in keys if key in facts), None)


def _bdf(value: Any) -> str | None:
    address = pci.parse(report.word(value))
    return str(address) if address else None


def _power(facts: Mapping[str, Any]) -> float | None:
    for key, value in facts.items():
        if key.endswith("Graphics Package Power (W)") and not key.startswith("Max"):
            return report.number(value)
    return None


def _temperature(facts: Mapping[str, Any]) -> float | None:
    junction = report.number(facts.get("Temperature (Sensor junction) (C)"))
    return _or(junction, report.number(facts.get("Temperature (Sensor edge) (C)")))


def _or(first: float | None, second: float | None) -> float | None:
    return second if first is None else first
