"""What the amdgpu driver says of each card: memory in use, load, partition modes, sensors.

``/sys/bus/pci/devices/<bdf>`` (or ``/sys/class/drm/card<N>/device``), one folder per physical
GPU: partitions have none of their own [facts 1.5].
"""

from __future__ import annotations

import re

from msgspec import Struct

from aim_jupyter.core.gpus import pci
from aim_jupyter.core.gpus.topology import AMD
from aim_jupyter.core.gpus.tree import U64, Reader

DRIVERS = ("sys/bus/pci/drivers/amdgpu", "sys/module/amdgpu/drivers/pci:amdgpu")
PCI = "sys/bus/pci/devices"
DRM = "sys/class/drm"

_CARD = re.compile(r"card(\d+)")
_COMPUTE = ("SPX", "DPX", "TPX", "QPX", "CPX")
_MEMORY = ("NPS1", "NPS2", "NPS4", "NPS8")
_MOST_BYTES = 1 << 50
_MOST_NODES = 1 << 16
_LONGEST_NAME = 64


class Card(Struct, frozen=True, kw_only=True):
    """One physical GPU. Memory in bytes, power in W, temperature in degrees Celsius."""

    address: pci.Address | None = None
    device_id: int | None = None
    name: str | None = None
    vram_bytes: int | None = None
    vram_used_bytes: int | None = None
    gtt_bytes: int | None = None
    vram_vendor: str | None = None
    busy_pct: int | None = None
    compute_partition: str | None = None
    memory_partition: str | None = None
    numa_node: int | None = None
    unique_id: int | None = None
    power_w: float | None = None
    temp_c: float | None = None


def find(reader: Reader) -> dict[str, str]:
    """Return the folder of every card that amdgpu drives, by PCI address.

    A card of a copied tree whose address nothing tells stands under its folder instead.
    """
    for driver in DRIVERS:
        names = [name for name in reader.names(driver) if pci.parse(name)]
        if names:
            return {str(pci.parse(name)): _folder(reader, driver, name) for name in names}
    return _by_class(reader)


def _folder(reader: Reader, driver: str, name: str) -> str:
    return f"{PCI}/{name}" if reader.facts(f"{PCI}/{name}") else f"{driver}/{name}"


def _by_class(reader: Reader) -> dict[str, str]:
    found = {}
    for name in reader.names(DRM):
        folder = f"{DRM}/{name}/device"
        if _CARD.fullmatch(name) and hexadecimal(reader.text(f"{folder}/vendor")) == AMD:
            address = _linked(reader, folder) or _announced(reader, folder)
            found[str(address) if address else folder] = folder
    return found


def _linked(reader: Reader, folder: str) -> pci.Address | None:
    """Return the address in the link that the kernel makes of ``device``."""
    return pci.parse((reader.target(folder) or "").rpartition("/")[2])


def _announced(reader: Reader, folder: str) -> pci.Address | None:
    """Return the address that ``uevent`` tells: enough to match a card, where the link is lost."""
    slot = re.search(r"^PCI_SLOT_NAME=(\S+)$", reader.text(f"{folder}/uevent") or "", re.MULTILINE)
    return pci.parse(slot[1]) if slot else None


def read(reader: Reader, folder: str) -> Card:
    """Read one card. A field that the driver does not offer is None."""
    power, temperature = _sensors(reader, folder)
    return Card(
        address=pci.parse(folder.rpartition("/")[2]) or _linked(reader, folder),
        device_id=hexadecimal(reader.text(f"{folder}/device"), 0xFFFF),
        name=_name(reader.text(f"{folder}/product_name")),
        vram_bytes=reader.number(f"{folder}/mem_info_vram_total", _MOST_BYTES) or None,
        vram_used_bytes=reader.number(f"{folder}/mem_info_vram_used", _MOST_BYTES),
        gtt_bytes=reader.number(f"{folder}/mem_info_gtt_total", _MOST_BYTES),
        vram_vendor=reader.text(f"{folder}/mem_info_vram_vendor"),
        busy_pct=reader.number(f"{folder}/gpu_busy_percent", 100),
        compute_partition=_one_of(reader.text(f"{folder}/current_compute_partition"), _COMPUTE),
        memory_partition=_one_of(reader.text(f"{folder}/current_memory_partition"), _MEMORY),
        # -1 is the kernel's word for "unknown", and no plain decimal.
        numa_node=reader.number(f"{folder}/numa_node", _MOST_NODES),
        unique_id=hexadecimal(reader.text(f"{folder}/unique_id")) or None,
        power_w=power,
        temp_c=temperature,
    )


def read_sensors(reader: Reader, folder: str) -> Card:
    """Read of one card only what changes from second to second."""
    power, temperature = _sensors(reader, folder)
    return Card(
        vram_used_bytes=reader.number(f"{folder}/mem_info_vram_used", _MOST_BYTES),
        busy_pct=reader.number(f"{folder}/gpu_busy_percent", 100),
        power_w=power,
        temp_c=temperature,
    )


def _name(text: str | None) -> str | None:
    return text if text and text.isprintable() and len(text) <= _LONGEST_NAME else None


def _sensors(reader: Reader, folder: str) -> tuple[float | None, float | None]:
    """Return power (W) and the junction's temperature, else the edge's (degrees Celsius)."""
    for name in reader.names(f"{folder}/hwmon"):
        base = f"{folder}/hwmon/{name}"
        micro_w = _first(reader, base, ("power1_average", "power1_input"), 10_000_000_000)
        milli_c = _first(reader, base, ("temp2_input", "temp1_input"), 200_000)
        return _scaled(micro_w, 1e6), _scaled(milli_c, 1e3)
    return None, None


def _first(reader: Reader, base: str, names: tuple[str, ...], most: int) -> int | None:
    for name in names:
        if (number := reader.number(f"{base}/{name}", most)) is not None:
            return number
    return None


def _scaled(number: int | None, by: float) -> float | None:
    return None if number is None else number / by


def _one_of(text: str | None, known: tuple[str, ...]) -> str | None:
    word = (text or "").upper()
    return word if word in known else None


def hexadecimal(text: str | None, most: int = U64) -> int | None:
    """Return a hexadecimal number with or without ``0x``, from 0 to `most`, or None."""
    digits = (text or "").lower().removeprefix("0x")
    if not re.fullmatch(r"[0-9a-f]{1,16}", digits):
        return None
    number = int(digits, 16)
    return number if number <= most else None
