"""amd-smi: every shape of its JSON, its indented text, and the default table of 7.0 and later.

``list``, ``static``, ``metric``, ``partition`` and ``process`` each say a part; a file may hold
several of them in a row, with text around (facts 1.4). Any leaf may be ``N/A``, a number, or a
``{value, unit}`` pair, and its ``MB`` are MiB. Its index counts PCI addresses, not HIP ordinals.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec.structs import replace

from aim_jupyter.core.gpus import pci
from aim_jupyter.core.gpus.drm import Card
from aim_jupyter.core.gpus.tools import report
from aim_jupyter.core.gpus.tools.report import Report
from aim_jupyter.core.records.gpu import Gpu

TOOL = "amd-smi"

_LISTS = ("gpu_data", "current_partition", "memory_partition", "gpus")
_PARTS = frozenset(
    [
        *("bdf", "uuid", "kfd_id", "accelerator_type", "vram_total"),  # list, partition, monitor
        "memory_partition",  # partition
        *("asic", "bus", "vram", "partition"),  # static
        *("usage", "mem_usage", "power", "temperature", "process_list"),  # metric, process
    ]
)
# What a GPU could be set to, listed beside what it is set to.
_PROFILE = frozenset(["profile_index", "num_partitions", "resource_index"])
_TREE_LINE = re.compile(r"^( *)([A-Za-z][\w ./()-]*):(?: (.*))?$")

Facts = dict[str, Any]


def from_json(documents: Sequence[Any]) -> Report | None:
    """Return what ``amd-smi … --json`` said, or None where it was not amd-smi."""
    cards: dict[int, Facts] = {}
    for entry in _entries(documents):
        index = report.whole(entry.get("gpu", entry.get("gpu_id")), 1 << 16)
        if index is not None and _PARTS & entry.keys() and not _PROFILE & entry.keys():
            _merge(cards.setdefault(index, {}), entry)
    return _report(cards) if cards else None


def from_text(text: str) -> Report | None:
    """Return what amd-smi printed as indented text, or None where it was not amd-smi.

    The text has the JSON's keys in upper case, so it is read as the same thing.
    """
    cards: dict[int, Facts] = {}
    path: list[tuple[int, Facts]] = []
    for line in text.splitlines():
        hit = _TREE_LINE.match(line.rstrip())
        if not hit:
            continue
        depth, key, value = len(hit[1]), hit[2].strip().lower().replace(" ", "_"), hit[3]
        if depth == 0:
            index = report.whole(value, 1 << 16) if key == "gpu" else None
            path = [] if index is None else [(0, cards.setdefault(index, {}))]
            continue
        while path and path[-1][0] >= depth:
            path.pop()
        if path and value is None:
            path.append((depth, path[-1][1].setdefault(key, {})))
        elif path:
            path[-1][1].setdefault(key, value)
    known = {index: facts for index, facts in cards.items() if _PARTS & facts.keys()}
    return _report(known) if known else None


def _entries(documents: Sequence[Any]) -> Iterator[Mapping[str, Any]]:
    """Return the entries per GPU of every shape: bare, in a list, or below one of the keys."""
    for document in documents:
        if isinstance(document, list):
            yield from (entry for entry in document if isinstance(entry, Mapping))
        elif isinstance(document, Mapping):
            nested = [document[key] for key in _LISTS if isinstance(document.get(key), list)]
            for entries in nested:
                yield from (entry for entry in entries if isinstance(entry, Mapping))
            if not nested:
                yield document


def _merge(into: Facts, entry: Mapping[str, Any]) -> None:
    for key, value in entry.items():
        if isinstance(value, Mapping) and isinstance(into.get(key), dict):
            into[key].update(value)
        else:
            into[key] = dict(value) if isinstance(value, Mapping) else value


def _report(cards: Mapping[int, Facts]) -> Report:
    listed = [(_gpu(facts), _memory(facts)) for _, facts in sorted(cards.items())]
    # Of all GPUs inside processors only the MI300A can be split, and that one does not count.
    split = {_slot(gpu) for gpu, _ in listed if gpu.partition_index and gpu.key}
    return Report(
        tool=TOOL,
        gpus=tuple(
            report.completed(replace(gpu, integrated=False) if _slot(gpu) in split else gpu, memory)
            for gpu, memory in listed
        ),
    )


def _slot(gpu: Gpu) -> str | None:
    return gpu.key.rpartition("-")[0] if gpu.key else None


def _memory(facts: Facts) -> Card:
    vram, used = _part(facts, "vram"), _part(facts, "mem_usage")
    return Card(
        vram_bytes=_size(vram.get("size"), used.get("total_vram")),
        gtt_bytes=_size(used.get("total_gtt")),
        vram_vendor=report.word(vram.get("vendor")),
    )


def _gpu(facts: Facts) -> Gpu:
    asic, bus = _part(facts, "asic"), _part(facts, "bus")
    partition, vram = _part(facts, "partition"), _part(facts, "vram")
    used = _part(facts, "mem_usage")
    hip = report.whole(facts.get("hip_id"), 1 << 16)
    gpu = Gpu(
        name=report.word(asic.get("market_name")),
        pci_device_id=report.pci_id(asic.get("device_id")),
        gfx=report.gfx(asic.get("target_graphics_version")),
        vram_bytes=_size(vram.get("size"), used.get("total_vram"), facts.get("vram_total")),
        vram_used_bytes=_size(used.get("used_vram"), facts.get("vram_used")),
        render_minor=report.minor(facts.get("render")),
        pci_bdf=_bdf(bus.get("bdf"), facts.get("bdf")),
        partition_index=report.whole(_first(facts, partition, "partition_id"), 7),
        compute_partition=report.compute_mode(
            _first(facts, partition, "accelerator_partition", "compute_partition")
            or facts.get("accelerator_type")
        ),
        memory_partition=report.memory_mode(
            partition.get("memory_partition")
            or facts.get("memory")
            or _part(facts, "memory_partition").get("current")
        ),
        unique_id_hex=report.unique_id(asic.get("asic_serial"))
        or report.unique_id(facts.get("hip_uuid")),
        cu_count=report.whole(asic.get("num_compute_units"), 4096),
        hip_index=hip,
        rocr_index=hip,
        source=TOOL,
        kfd_node=report.whole(facts.get("node_id"), 1 << 16),
        gpu_id=report.whole(facts.get("kfd_id"), (1 << 32) - 1),
        numa_node=report.whole(_part(facts, "numa").get("node"), 1 << 16),
        busy_pct=_measure(_part(facts, "usage").get("gfx_activity"), facts.get("gfx")),
        power_w=_measure(_part(facts, "power").get("socket_power"), facts.get("power_usage")),
        temp_c=_temperature(facts),
    )
    return _occupied(gpu, facts.get("process_list"))


def _occupied(gpu: Gpu, processes: Any) -> Gpu:
    """Mark the GPU busy with its largest process; an empty list proves nothing (facts 1.4)."""
    largest: tuple[int, int] = (0, 0)
    for entry in processes if isinstance(processes, list) else ():
        info = entry.get("process_info", entry) if isinstance(entry, Mapping) else None
        if isinstance(info, Mapping) and (pid := report.whole(info.get("pid"))):
            memory = _part(info, "memory_usage")
            largest = max(largest, (report.size(memory.get("vram_mem"), "B") or 0, pid))
    return replace(gpu, state="busy", pid=largest[1]) if largest[0] else gpu


def _part(facts: Mapping[str, Any], key: str) -> Mapping[str, Any]:
    value = facts.get(key)
    return value if isinstance(value, Mapping) else {}


def _first(facts: Mapping[str, Any], partition: Mapping[str, Any], *keys: str) -> Any:
    found = (part[key] for key in keys for part in (partition, facts) if key in part)
    return next((value for value in found if report.word(value)), None)


def _size(*values: Any) -> int | None:
    return next((size for value in values if (size := report.size(value)) is not None), None)


def _measure(*values: Any) -> float | None:
    return next((found for value in values if (found := report.number(value)) is not None), None)


def _temperature(facts: Facts) -> float | None:
    part = _part(facts, "temperature")
    return _measure(part.get("hotspot"), part.get("edge"), facts.get("hotspot_temperature"))


def _bdf(*values: Any) -> str | None:
    found = (pci.parse(report.word(value)) for value in values)
    return next((str(address) for address in found if address), None)
