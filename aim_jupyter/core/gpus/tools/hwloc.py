"""hwloc's XML (``lstopo --of xml``): AMD devices as its RSMI backend lists them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from aim_jupyter.core.gpus import pci
from aim_jupyter.core.gpus.tools import report
from aim_jupyter.core.gpus.tools.report import Report
from aim_jupyter.core.records.gpu import Gpu

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

TOOL = "hwloc"

_RSMI = re.compile(r"rsmi(\d{1,4})")
_IDS = re.compile(r"\[1002:([0-9a-f]{4})\]")
_KIB = 1024


def from_text(text: str) -> Report | None:
    """Return the AMD devices, by RSMI index, or None where it is no hwloc topology."""
    if "<topology" not in text[:2000]:
        return None
    # Imported here, as hardly anybody reads XML; expat limits what entities may expand to.
    from xml.etree import ElementTree as ET  # noqa: PLC0415

    try:
        root = ET.fromstring(text)  # noqa: S314
    except ET.ParseError as error:
        return Report(tool=TOOL, notes=(f"hwloc: the XML is cut short or damaged ({error}).",))
    found: dict[int, Gpu] = {}
    for device in root.iter("object"):
        for child in device.findall("object"):
            hit = _RSMI.fullmatch(child.get("name") or "")
            if device.get("type") == "PCIDev" and hit:
                found[int(hit[1])] = report.completed(_gpu(device, child))
    return Report(tool=TOOL, gpus=tuple(gpu for _, gpu in sorted(found.items())))


def _gpu(device: Element, child: Element) -> Gpu:
    facts = {info.get("name"): info.get("value") for info in child.findall("info")}
    ids = _IDS.search(device.get("pci_type") or "")
    address = pci.parse(device.get("pci_busid"))
    size = report.whole(facts.get("RSMIVRAMSize"), 1 << 40)
    hive = report.unique_id(facts.get("XGMIHiveID"))
    return Gpu(
        name=report.word(facts.get("GPUModel")),
        pci_device_id=f"0x{ids[1]}" if ids else None,
        vram_bytes=size * _KIB if size else None,
        pci_bdf=str(address) if address else None,
        unique_id_hex=report.unique_id(facts.get("AMDUUID")),
        hive_id=int(hive, 16) if hive else None,
        source=TOOL,
    )
