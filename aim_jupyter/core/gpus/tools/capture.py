"""Outputs captured elsewhere, read as a machine of their own."""

from __future__ import annotations

import json
import re
from functools import reduce
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.gpus.tools import (
    amdsmi,
    amdsmi_table,
    gpustack,
    hwloc,
    merging,
    rocminfo,
    rocmsmi,
)
from aim_jupyter.core.gpus.tools.report import Report, completed
from aim_jupyter.core.records.gpu import Machine

_FROM_JSON = (rocmsmi.from_json, gpustack.from_json, amdsmi.from_json)
_FROM_TEXT = (
    hwloc.from_text,
    rocminfo.from_text,
    rocmsmi.from_text,
    amdsmi_table.from_text,
    amdsmi.from_text,
)
_KNOWN = "rocm-smi (JSON or text), amd-smi (JSON or text), rocminfo, lstopo XML or GPUStack JSON"
_LARGEST = 64 << 20
#: A half of a pair of surrogates, itself or as JSON has it: it can't be written anywhere again.
_HALVES = re.compile(r"[\ud800-\udfff]|\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_BEGIN = re.compile(r"^[ \t]*[{\[]", re.MULTILINE)
_NEXT = re.compile(r"\s*[{\[]")


def from_file(path: Path | str, *more: Path | str) -> Machine:
    """Return the machine that one tool's output shows, or several outputs of the same machine.

    Raises
    ------
    BadUsage
        If a file can't be read, or is of no tool that is known.
    """
    reports = [_read(Path(name)) for name in (path, *more)]
    gpus = reduce(merging.joined, (report.gpus for report in reports))
    gpus = tuple(map(completed, gpus))  # one file may tell what makes another's figure impossible
    refusal = next((report.refusal for report in reports if report.refusal), None)
    if refusal:
        gpus = tuple(replace(gpu, usable=False, reason=refusal) for gpu in gpus)
    notes = [f"Read from {report.tool}'s output alone." for report in reports]
    notes += [note for report in reports for note in report.notes]
    return Machine(host=Path(path).stem, gpus=gpus, notes=tuple(dict.fromkeys(notes)))


def parse(text: str) -> Report | None:
    """Return what a tool said, whichever it was, or None where it is no known one's output."""
    text = _HALVES.sub("\ufffd", text)
    documents = json_documents(text)
    for read in _FROM_JSON if documents else ():
        if (report := read(documents)) is not None:
            return report
    for reading in _FROM_TEXT:
        if (report := reading(text)) is not None:
            return report
    return None


def json_documents(text: str) -> list[Any]:
    """Return the JSON objects and lists in a text, whatever stands around and between them.

    amd-smi prints warnings before, a legend after, and at times several documents (facts 1.4).
    One counts where it begins a line, or follows another.
    """
    decoder = json.JSONDecoder()
    found: list[Any] = []
    hit = _BEGIN.search(text)
    while hit:
        try:
            value, end = decoder.raw_decode(text, hit.end() - 1)
        except (ValueError, RecursionError):
            hit = _BEGIN.search(text, hit.end())
        else:
            found.append(value)
            hit = _NEXT.match(text, end) or _BEGIN.search(text, end)
    return found


def _read(path: Path) -> Report:
    try:
        with path.open("rb") as file:
            text = file.read(_LARGEST).decode("utf-8", "replace")
    except OSError as error:
        raise BadUsage(f"{path}: {error.strerror or error}.", "name a file that exists") from error
    report = parse(text)
    if report is None:
        raise BadUsage(f"{path} is no output of a known tool.", f"one of {_KNOWN}")
    return report
