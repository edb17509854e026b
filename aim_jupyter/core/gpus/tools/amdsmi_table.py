"""amd-smi's tables for humans: the box of 7.0 and later, and ``partition --current``.

The box, drawn without a command, has two lines per GPU (address and name, then the indices and
what is in use), and below them the processes (facts 1.4).
"""

from __future__ import annotations

import itertools
import re

from msgspec.structs import replace

from aim_jupyter.core.gpus import pci
from aim_jupyter.core.gpus.tools import report
from aim_jupyter.core.gpus.tools.report import Report
from aim_jupyter.core.records.gpu import Gpu

TOOL = "amd-smi"

_FIRST = re.compile(r"^\|\s+([0-9a-f:.]{12,16})\s+(.*?)\s+\|(.*)\|\s*$", re.IGNORECASE)
_SECOND = re.compile(
    r"^\|\s+(\d+)\s+(\d+|N/A)\s+\S+\s+([A-Z]{3}|N/A)/(NPS\d|N/A)\s+\|\s*(\S+(?: %)?)(.*)\|\s*$"
)
_MODE = re.compile(r"^(\d+) +(NPS\d|N/A) +([A-Z]{3}|N/A) +\S+ +(\d|N/A)\s*$", re.MULTILINE)
_USED = re.compile(r"(\d+)/(\d+) MB")
_PROCESS = re.compile(r"^\|\s+(\d+)\s+(\d+)\s+\S.*?\s([\d.]+) ([KMG]?B)\s+([\d.]+) ([KMG]?B)\s")


def from_text(text: str) -> Report | None:
    """Return the GPUs of the box, or None where there is none."""
    if modes := [_partition(hit) for hit in _MODE.finditer(text)]:
        return Report(tool=TOOL, gpus=tuple(report.completed(gpu) for gpu in modes))
    if "AMD-SMI" not in text or "Partition-Mode" not in text:
        return None
    found: dict[int, Gpu] = {}
    lines = text.splitlines()
    for first, second in itertools.pairwise(lines):
        top, bottom = _FIRST.match(first), _SECOND.match(second)
        address = pci.parse(top[1]) if top else None
        if top and bottom and address:
            found[int(bottom[1])] = _gpu(str(address), top, bottom)
    for index, pid in _processes(lines).items():
        if index in found:
            found[index] = replace(found[index], state="busy", pid=pid)
    return Report(tool=TOOL, gpus=tuple(report.completed(gpu) for _, gpu in sorted(found.items())))


def _gpu(address: str, top: re.Match[str], bottom: re.Match[str]) -> Gpu:
    used = _USED.search(bottom[6])
    power = re.search(r"([\d.]+)/[\d.]+ W", top[3])
    temperature = re.search(r"([\d.]+) °C", top[3])
    hip = report.whole(bottom[2], 1 << 16)
    return Gpu(
        name=report.word(top[2]),
        pci_bdf=address,
        hip_index=hip,
        rocr_index=hip,
        compute_partition=report.compute_mode(bottom[3]),
        memory_partition=report.memory_mode(bottom[4]),
        busy_pct=report.number(bottom[5]),
        vram_used_bytes=report.size(used[1]) if used else None,
        vram_bytes=report.size(used[2]) if used else None,
        power_w=report.number(power[1]) if power else None,
        temp_c=report.number(temperature[1]) if temperature else None,
        source=TOOL,
    )


def _partition(hit: re.Match[str]) -> Gpu:
    """Return a row of ``amd-smi partition --current``: index, memory, compute, partition."""
    return Gpu(
        compute_partition=report.compute_mode(hit[3]),
        memory_partition=report.memory_mode(hit[2]),
        partition_index=report.whole(hit[4], 7),
        source=TOOL,
    )


def _processes(lines: list[str]) -> dict[int, int]:
    """Return the pid of the process that holds most of each GPU, by amd-smi's index."""
    found: dict[int, tuple[int, int]] = {}
    for line in lines:
        hit = _PROCESS.match(line)
        held = report.size(hit[5], hit[6]) if hit else None
        if hit and held:
            found[int(hit[1])] = max(found.get(int(hit[1]), (0, 0)), (held, int(hit[2])))
    return {index: pid for index, (_, pid) in found.items()}
