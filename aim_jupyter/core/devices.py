"""What is known of each GPU before looking: the one table of them, ``devices.toml``.

What detects GPUs, plans for them, fits models to them and writes recipes for them all read it here.
"""

from __future__ import annotations

import functools
import os
import re
from pathlib import Path
from typing import Literal, NamedTuple

from msgspec import Struct, structs

from aim_jupyter.core import config, files
from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.records.gpu import Gpu
from aim_jupyter.core.sizes import GIB, MIB

# The driver keeps this much of the HBM for itself: 192 GiB come out as 196592 MiB on every
# captured Instinct (facts 3), whatever the size.
RESERVED_BYTES = 16 * MIB

_MOST_BYTES = 1 << 20
_SIGNS = re.compile(r"[™®©]|\((?:tm|r|c)\)|\[amd(?:/ati)?\]|-o\b")
_MAKER = frozenset(["amd", "ati", "instinct", "radeon", "advanced", "micro", "devices,", "inc."])
_BRACKETS = re.compile(r"^.*\[([^\[\]]+)\][^\[\]]*$")


class Device(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
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

    source: str
    ids: tuple[str, ...] = ()
    vf_ids: tuple[str, ...] = ()
    model: str | None = None
    family: Literal["rocm", "cuda"] = "rocm"
    name: str | None = None
    gfx: str | None = None
    gfx_source: Literal["code", "captured", "general"] = "general"
    integrated: bool = False
    vram_gib: int | None = None
    vram_bytes: int | None = None
    shared: bool = False
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
    recipes: str | None = None
    like: str | None = None
    aiter: bool | None = None

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

    @property
    def precisions(self) -> tuple[str, ...]:
        """What it runs well, the format that keeps most of a model's quality first."""
        mx = ("mxfp8",), ("mxfp6", "mxfp4")
        before, after = mx if self.mx else ((), ())
        return ("bf16", "fp16", *(("fp8",) if self.fp8 else ()), *before, "int8", *after, "int4")

    @property
    def emulated(self) -> tuple[str, ...]:
        """What runs through conversion: only where somebody has published or validated it.

        On gfx942 MXFP4 makes 84 tok/s against 393 in int4 (facts/recipes.md 2b).
        """
        return () if self.mx else ("mxfp8", "mxfp4") if self.fp8 else ("mxfp4",)


class _Table(Struct, forbid_unknown_fields=True):
    device: tuple[Device, ...]


class _Known(NamedTuple):
    rows: tuple[Device, ...]
    kinds: dict[str, Device]
    kind_names: dict[str, str]
    ids: dict[str, Device]
    keys: dict[str, Device]


def devices() -> tuple[Device, ...]:
    """Return the whole table: the rows of ``devices.toml`` and of the user's own files.

    A row of theirs takes the place of a shipped one of the same model. Each file is read once.

    Raises
    ------
    BadUsage
        If a file that `AIM_DEVICES_PATH` names can't be read, or is no such table.
    """
    return _known().rows


def _known() -> _Known:
    # Asked for each recipe: what the variable names is looked at once for each of its values.
    return _read(os.environ.get(config.DEVICE_TABLES, ""))


@functools.lru_cache(maxsize=8)
def _read(_named: str) -> _Known:
    own = config.device_tables()
    more = {row.model or row.name: row for path in own for row in _own(path)}
    taken = {pci_id for row in more.values() for pci_id in (*row.ids, *row.vf_ids)}
    shipped = files.table(Path(__file__).with_name("devices.toml"), _Table).device
    kept = [
        structs.replace(row, ids=_without(row.ids, taken), vf_ids=_without(row.vf_ids, taken))
        for row in shipped
        if row.model is None or row.model not in more
    ]
    rows = (*kept, *more.values())
    kinds = {row.model: row for row in rows if row.model and row.recipes == row.model}
    return _Known(
        rows=rows,
        kinds=kinds,
        kind_names={row.model: row.recipes for row in rows if row.model and row.recipes in kinds},
        keys={row.key: row for row in reversed(rows) if row.model},
        ids={pci_id.lower(): row for row in rows for pci_id in (*row.ids, *row.vf_ids)},
    )


def _without(ids: tuple[str, ...], gone: set[str]) -> tuple[str, ...]:
    return tuple(one for one in ids if one not in gone)


def _own(path: Path) -> tuple[Device, ...]:
    try:
        large = path.stat().st_size > _MOST_BYTES
        rows = () if large else files.table(path, _Table).device
    except files.UNREADABLE as error:
        raise _unusable(path, str(error)) from error
    if large:
        raise _unusable(path, f"it is larger than {_MOST_BYTES:,} bytes")
    return rows


def _unusable(path: Path, why: str) -> BadUsage:
    return BadUsage(f"{path} is no table of GPUs: {why}.", "unset AIM_DEVICES_PATH")


def kinds() -> dict[str, Device]:
    """Return the GPUs that recipes are made for, by the model that recipes name."""
    return _known().kinds


def kind_name(model: str | None) -> str | None:
    """Return the kind that a detected GPU model belongs to, None for one without recipes.

    Examples
    --------
    >>> kind_name("MI250")
    'MI250X'
    """
    return _known().kind_names.get(model or "")


def typed(word: str) -> Device | None:
    """Return the row of a model as somebody types it: ``mi300x``, ``RX-7900-XTX``, ``H100-80GB``.

    A size that belongs to the name is left aside.
    """
    key = re.sub(r"[\s_-]+", "", re.sub(r"\s*\d+\s*gb.*$", "", word.casefold()))
    return _known().keys.get(key)


def computes_fp8(gfx: str) -> bool:
    """Return whether GPUs of an architecture multiply FP8: as far as the table knows it."""
    return any(row.fp8 for row in devices() if row.gfx == gfx)


def computes_mx(gfx: str) -> bool:
    """Return whether GPUs of an architecture multiply the MX formats, as `computes_fp8` does."""
    return any(row.mx for row in devices() if row.gfx == gfx)


def device(pci_id: str | None) -> Device | None:
    """Return the row of a PCI device id such as ``0x74a1``, or None.

    Examples
    --------
    >>> device("0x74b5").model  # the same GPU, seen from a virtual machine
    'MI300X'
    """
    return _known().ids.get((pci_id or "").lower())


def named(name: str | None) -> Device | None:
    """Return the row whose name begins a marketing name, longest first, or None.

    Tools print ``AMD Instinct MI300X OAM``, ``AMD Instinct Mi325X VF``, ``AMD MI350X`` or, with
    the sign of the trademark, ``AMD Instinct™ MI355X``, and at times no id beside it (amd-smi 7's
    default table). The list of PCI ids has it in brackets: ``Aldebaran/MI200 [Instinct MI210]``.

    Examples
    --------
    >>> named("AMD Instinct™ MI355X").model
    'MI355X'
    """
    said = _words(_BRACKETS.sub(r"\1", name or ""))
    fits = [
        (len(words), row)
        for row in devices()
        if (words := _words(row.name or "")) and said[: len(words)] == words
    ]
    return max(fits, key=lambda fit: fit[0], default=(0, None))[1]


def _words(name: str) -> list[str]:
    """Return what tells one name from another: neither the maker's words nor trademark signs."""
    words = _SIGNS.sub(" ", name.lower()).split()
    return [word for word in words if word not in _MAKER]


def is_unknown(gpu: Gpu) -> bool:
    """Return whether a GPU that was found is an accelerator that the table says nothing of.

    One inside a processor is none: what runs there runs on the CPU.
    """
    row = device(gpu.pci_device_id) or named(gpu.name)
    return gpu.model is None and gpu.integrated is not True and (row is None or row.name is None)


def described(gpu: Gpu) -> str:
    """Return what is known of a GPU that the table does not have.

    Examples
    --------
    >>> described(Gpu(name="AMD Instinct MI999", pci_device_id="0x7fff", gfx="gfx1250"))
    'AMD Instinct MI999 (0x7fff, gfx1250)'
    """
    facts = ", ".join(filter(None, [gpu.pci_device_id, gpu.gfx])) or "no id"
    return f"{gpu.name or 'no name'} ({facts})"


def hexadecimal(pci_id: int | None) -> str | None:
    """Return a device id as it is written in the table: ``0x74a1``."""
    return None if pci_id is None else f"0x{pci_id:04x}"
