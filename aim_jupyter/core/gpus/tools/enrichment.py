"""What the vendor's tools know besides, as a second opinion that never overrules the kernel."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from aim_jupyter.core.gpus.tools import amdsmi, capture, merging, rocminfo, rocmsmi, running
from aim_jupyter.core.gpus.tools.report import Report
from aim_jupyter.core.records.gpu import Gpu, Machine

# Tried in this order, until one lists GPUs (facts 0).
COMMANDS: dict[str, tuple[tuple[str, ...], ...]] = {
    amdsmi.TOOL: (("list", "-e", "--json"), ("static", "--json"), ("metric", "--json")),
    rocmsmi.TOOL: (
        (
            *("--showid", "--showproductname", "--showuniqueid", "--showbus", "--showuse"),
            *("--showmeminfo", "vram", "--showtemp", "--showpower", "--json"),
        ),
    ),
    rocminfo.TOOL: ((),),
}
LIMIT_S = 8.0

# What both know, and what a difference in it means. Names differ always, and mean nothing.
_COMPARED = ("gfx", "pci_device_id", "render_minor", "unique_id_hex", "rocr_index")
_COMPARED_MODES = ("compute_partition", "memory_partition")
_SAME_SIZE = 0.01


def enrich(machine: Machine, limit_s: float = LIMIT_S) -> Machine:
    """Return the machine with what the first tool that answers knows besides.

    Where KFD and the tool disagree, KFD's word stays and the difference goes to the notes. Where
    there is no KFD at all, the tool stands alone, and `Gpu.source` says which it was.

    Parameters
    ----------
    limit_s : float
        Seconds for all tools together; what has not answered by then is killed.
    """
    if machine.simulated:
        return machine
    notes = list(machine.notes)
    report = _first_report(limit_s, notes)
    if report is None:
        return replace(machine, notes=tuple(notes))
    gpus = report.gpus
    if machine.gpus:
        notes += _differences(machine.gpus, report)
        gpus = tuple(_enriched(gpu, report) for gpu in machine.gpus)
    elif gpus:
        notes.append(f"There is no KFD topology: read from {report.tool} alone.")
    return replace(machine, gpus=gpus, notes=tuple(dict.fromkeys(notes)))


def _first_report(limit_s: float, notes: list[str]) -> Report | None:
    end = time.monotonic() + limit_s
    found = False
    for tool, commands in COMMANDS.items():
        path = running.find(tool, os.environ)
        if path is None or time.monotonic() >= end:
            continue
        found = True
        report = _ask(tool, [(path, *arguments) for arguments in commands], end, notes)
        if report is not None and (report.gpus or report.refusal):
            return report
    if not found:
        notes.append(f"None of {', '.join(COMMANDS)} is installed.")
    return None


def _ask(
    tool: str, commands: Sequence[tuple[str, ...]], end: float, notes: list[str]
) -> Report | None:
    texts = []
    for argv in commands:
        answer = running.ask(argv, max(end - time.monotonic(), 0.1), os.environ)
        if answer.trouble:
            notes.append(answer.trouble)
        if answer.text:
            texts.append(answer.text)
        elif answer.trouble:
            break  # what hangs once hangs again
    report = capture.parse("\n".join(texts)) if texts else None
    if report is None and texts:
        notes.append(f"{tool} printed nothing that is known.")
    notes += report.notes if report else ()
    return report


def _enriched(gpu: Gpu, report: Report) -> Gpu:
    other = merging.partner(gpu, report.gpus)
    if other is None:
        return gpu
    # State, holder and ordinal are ours to judge: a tool knows neither leases nor masks.
    known = replace(other, state=None, pid=None, hip_index=None, rocr_index=None, reason=None)
    filled = merging.filled(gpu, known)
    return gpu if filled == gpu else replace(filled, source=f"{gpu.source} + {report.tool}")


def _differences(gpus: Sequence[Gpu], report: Report) -> list[str]:
    """Return a note per field that differs, with the first GPU and how many more."""
    found: dict[str, list[str]] = {}
    for gpu in gpus:
        other = merging.partner(gpu, report.gpus)
        for name, (ours, theirs) in _disagreeing(gpu, other).items():
            said = f"{gpu.pci_bdf} has {name} {theirs} by {report.tool}, {ours} by {gpu.source}"
            found.setdefault(name, []).append(said)
    notes = [f"{said[0]}{_more(said)}: the latter is shown." for said in found.values()]
    extra = len(report.gpus) - len(gpus)
    if extra > 0:
        notes.append(f"{report.tool} lists {extra} GPU(s) more than KFD: KFD's list is shown.")
    return notes


def _disagreeing(gpu: Gpu, other: Gpu | None) -> Mapping[str, tuple[object, object]]:
    if other is None:
        return {}
    found: dict[str, tuple[object, object]] = {}
    for name in (*_COMPARED, *_COMPARED_MODES):
        ours, theirs = getattr(gpu, name), getattr(other, name)
        if ours is not None and theirs is not None and ours != theirs:
            found[name] = (ours, theirs)
    ours, theirs = gpu.vram_bytes, other.vram_bytes
    if ours and theirs and abs(ours - theirs) > _SAME_SIZE * ours:
        found["vram_bytes"] = (ours, theirs)
    return found


def _more(said: Sequence[str]) -> str:
    return f" (and {len(said) - 1} more)" if len(said) > 1 else ""
