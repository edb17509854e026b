"""What is known of each GPU before looking: the table in ``devices.toml``, keyed by PCI id."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from aim_jupyter.core.records.kinds import resolved

MIB = 1 << 20
GIB = 1 << 30

# The driver keeps this much of the HBM for itself: 192 GiB come out as 196592 MiB on every
# captured Instinct (facts 3), whatever the size.
RESERVED_BYTES = 16 * MIB


class Device(Struct, frozen=True, kw_only=True):
    """One row of the table. ``devices.toml`` explains every column and its source.

    Attributes
    ----------
    vram_gib : int or None
        Nominal size of one device as HIP lists it, in GiB.
    vram_bytes : int or None
        What drivers report of it; None where nobody has shown it (see `reported_bytes`).
    bandwidth_gb_s, bf16_tflops, fp8_tflops, fp4_tflops : float or None
        Peaks of the data sheet, dense: 10^9 bytes and 10^12 operations per second.
    modes : dict
        Memory partitions that go with each compute partition.
    """

    ids: tuple[str, ...]
    source: str
    vf_ids: tuple[str, ...] = ()
    model: str | None = None
    name: str | None = None
    gfx: str | None = None
    gfx_source: Literal["code", "captured", "general"] = "general"
    integrated: bool = False
    vram_gib: int | None = None
    vram_bytes: int | None = None
    dies: int = 1
    cu: int | None = None
    xcc: int | None = None
    modes: dict[str, tuple[str, ...]] = {}
    fp8: Literal["fnuz", "ocp"] | None = None
    mx: bool = False
    bandwidth_gb_s: float | None = None
    bf16_tflops: float | None = None
    fp8_tflops: float | None = None
    fp4_tflops: float | None = None
    fabric: Literal["xgmi", "bridge", "package", "pcie"] | None = None

    @property
    def key(self) -> str:
        """The model as typed in a simulated machine: ``mi300x``, ``rx7900xtx``."""
        return (self.model or "").replace(" ", "").lower()

    @property
    def reported_bytes(self) -> int | None:
        """Bytes that the driver reports, or (derived) the nominal size less its reserve."""
        if self.vram_bytes is not None or self.vram_gib is None:
            return self.vram_bytes
        return self.vram_gib * GIB - RESERVED_BYTES

    @property
    def detectable_gfx(self) -> str | None:
        """The architecture, where the id alone proves it (`gfx_source`)."""
        return None if self.gfx_source == "general" else self.gfx


class _Table(Struct):
    device: tuple[Device, ...]


@functools.cache
def devices() -> tuple[Device, ...]:
    """Return the whole table, in the order of the file."""
    text = Path(__file__).with_name("devices.toml").read_text("utf-8")
    return msgspec.convert(tomllib.loads(text), resolved(_Table)).device


@functools.cache
def _by_id() -> dict[str, Device]:
    return {pci_id: row for row in devices() for pci_id in (*row.ids, *row.vf_ids)}


def device(pci_id: str | None) -> Device | None:
    """Return the row of a PCI device id such as ``0x74a1``, or None.

    Examples
    --------
    >>> device("0x74b5").model  # the same GPU, seen from a virtual machine
    'MI300X'
    """
    return _by_id().get((pci_id or "").lower())


def named(name: str | None) -> Device | None:
    """Return the row whose name begins a marketing name, longest first, or None.

    Tools print ``AMD Instinct MI300X OAM`` or ``AMD Instinct Mi325X VF``, and at times no id
    beside it (amd-smi 7's default table).
    """
    said = f"{(name or '').strip().lower()} "
    fits = [row for row in devices() if row.name and said.startswith(f"{row.name.lower()} ")]
    return max(fits, key=lambda row: len(row.name or ""), default=None)


def hexadecimal(pci_id: int | None) -> str | None:
    """Return a device id as it is written in the table: ``0x74a1``."""
    return None if pci_id is None else f"0x{pci_id:04x}"
