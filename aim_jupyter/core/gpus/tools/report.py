"""What one tool said, and the words that all of them share."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from aim_jupyter.core import devices
from aim_jupyter.core.gpus import inventory
from aim_jupyter.core.gpus.drm import Card
from aim_jupyter.core.harmless import harmless
from aim_jupyter.core.records.gpu import Gpu
from aim_jupyter.core.sizes import GIB, MIB

_UNITS = {"B": 1, "KB": 1 << 10, "MB": MIB, "MIB": MIB, "GB": GIB, "GIB": GIB}
_NUMBER = re.compile(r"-?\d{1,18}(\.\d{1,6})?")
_NOT_SAID = frozenset(["", "n/a", "na", "none", "unknown", "<redacted>", "gpu-<redacted>"])
_OLD_GFX = re.compile(r"gfx(9)(\d)(\d\d)")
_GFX = re.compile(r"gfx[0-9a-f]{3,5}")
_COMPUTE = ("SPX", "DPX", "TPX", "QPX", "CPX")
_MEMORY = ("NPS1", "NPS2", "NPS4", "NPS8")
_PARTS = {"DPX": 2, "TPX": 3, "QPX": 4}

WHOLE_DEVICE = "the tool prints the whole GPU's memory"


class Report(Struct, frozen=True, kw_only=True):
    """What one tool said.

    Attributes
    ----------
    tool : str
        Its name, as in `Gpu.source`.
    gpus : tuple of Gpu
        In the tool's own order, which is rarely HIP's: `hip_index` only where the tool gives it.
    refusal : str or None
        Why the GPUs can't be used, where the tool found that out.
    """

    tool: str
    gpus: tuple[Gpu, ...] = ()
    notes: tuple[str, ...] = ()
    refusal: str | None = None


def word(value: Any) -> str | None:
    """Return a text, or None where the tool prints one of its words for "not known"."""
    text = str(value).strip() if isinstance(value, str | int | float) else ""
    return None if text.lower() in _NOT_SAID or not text.isprintable() else text


def number(value: Any) -> float | None:
    """Return a number from a number, a text such as ``45.0``, or a ``{value, unit}`` pair."""
    if isinstance(value, Mapping):
        value = value.get("value")
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    hit = _NUMBER.match(str(value).strip())
    return float(hit[0]) if hit else None


def whole(value: Any, most: int = 1 << 62) -> int | None:
    """Return an integer from 0 to `most`."""
    found = number(value)
    return int(found) if found is not None and 0 <= found <= most else None


def size(value: Any, unit: str = "MB") -> int | None:
    """Return bytes; the tools' MB are MiB (facts 1.4), also where they give no unit."""
    if isinstance(value, Mapping):
        unit = str(value.get("unit") or unit)
    elif isinstance(value, str) and " " in value.strip():
        unit = value.split()[-1]
    found = number(value)
    scale = _UNITS.get(unit.upper())
    return round(found * scale) if found is not None and found >= 0 and scale else None


def unique_id(value: Any) -> str | None:
    """Return the 16 hexadecimal digits of a unique id, however it is written, or None."""
    text = (word(value) or "").lower().removeprefix("gpu-").removeprefix("0x")
    if not re.fullmatch(r"[0-9a-f]{1,16}", text) or not int(text, 16):
        return None
    return text.zfill(16)


def pci_id(value: Any) -> str | None:
    """Return a device id as ``0x74a1``, or None."""
    text = (word(value) or "").lower()
    return text if re.fullmatch(r"0x[0-9a-f]{4}", text) else None


def gfx(value: Any) -> str | None:
    """Return an architecture; before 6.4 an MI100 was printed as ``gfx9008``."""
    text = (word(value) or "").lower()
    if old := _OLD_GFX.fullmatch(text):
        return f"gfx9{int(old[2]):x}{int(old[3]):x}"
    return text if _GFX.fullmatch(text) else None


def compute_mode(value: Any) -> str | None:
    """Return SPX to CPX, or None; amd-smi marks the current one of several with a star."""
    text = (word(value) or "").upper().removesuffix("*")
    return text if text in _COMPUTE else None


def memory_mode(value: Any) -> str | None:
    """Return NPS1 to NPS8, or None."""
    text = (word(value) or "").upper()
    return text if text in _MEMORY else None


def minor(value: Any) -> int | None:
    """Return the number in ``renderD128``."""
    text = word(value) or ""
    return whole(text.removeprefix("renderD"), 1 << 20) if text.startswith("renderD") else None


def completed(gpu: Gpu, card: Card | None = None) -> Gpu:
    """Return the GPU with what follows from its id, and without what can't be true.

    The architecture follows from the id only where that pairing is proved (`Device.gfx_source`).

    Parameters
    ----------
    card : Card, optional
        What the tool says of the memory besides: it tells integrated GPUs from others.
    """
    row = devices.device(gpu.pci_device_id)
    named = row or devices.named(gpu.name)
    found = gpu.gfx or (row.detectable_gfx if row else None)
    of_whole = _is_of_whole_device(gpu, named)
    return replace(
        gpu,
        name=harmless(gpu.name or "") or (row.name if row else None),
        model=named.model if named else None,
        gfx=found,
        integrated=_integrated(gpu, row, found, card or Card(vram_bytes=gpu.vram_bytes)),
        vram_bytes=None if of_whole else gpu.vram_bytes,
        reason=gpu.reason or (WHOLE_DEVICE if of_whole else None),
        vram_used_bytes_reported=gpu.vram_used_bytes,
    )


def _integrated(gpu: Gpu, row: devices.Device | None, found: str | None, card: Card) -> bool | None:
    """Return what the id, the architecture or the memory proves; a name alone proves nothing."""
    if gpu.integrated is not None:
        return gpu.integrated
    return inventory.integrated(row, found, card)


def _is_of_whole_device(gpu: Gpu, row: devices.Device | None) -> bool:
    """Whether a partition is given its whole GPU's memory, as by rocm-smi 6.3 (facts 2.3)."""
    if gpu.compute_partition in (None, "SPX") or gpu.vram_bytes is None or row is None:
        return False
    parts = _PARTS.get(gpu.compute_partition or "", row.xcc or 1)
    return gpu.vram_bytes > (row.reported_bytes or gpu.vram_bytes) // parts * 1.1
