"""Machines that are not there, to ask what 4 x MI355X would run.

``mi300x:8`` is eight cards in their usual mode, ``mi300x:8:cpx-nps4`` the same ones partitioned.
A count is of cards: ``mi250x:4`` lists eight devices, two GCDs each, and eight MI300X in CPX list
64. ``cpu`` or ``none`` is a machine without GPU.
"""

from __future__ import annotations

from msgspec.structs import replace

from aim_jupyter.core import devices
from aim_jupyter.core.devices import RESERVED_BYTES, Device
from aim_jupyter.core.errors import BadUsage, UnknownName
from aim_jupyter.core.records.gpu import Cpu, Gpu, Machine
from aim_jupyter.core.sizes import GIB

_PARTS = {"SPX": 1, "DPX": 2, "TPX": 3, "QPX": 4}
_MOST_CARDS = 64
_FIRST_MINOR = 128
# An EPYC host of the usual kind: enough memory that the GPUs decide what fits.
_HOST = Cpu(model="simulated", cores=96, memory_bytes=1536 * GIB, memory_available_bytes=1500 * GIB)


def machine(spec: str) -> Machine:
    """Return the machine of a specification such as ``mi300x:8`` or ``mi300x:8:cpx-nps4``.

    Sizes are those that drivers report, derived by the quota rule of facts 1.2 for partitions.

    Raises
    ------
    UnknownName
        If there is no such model; the message holds the nearest.
    BadUsage
        If the count or the mode is not possible for it.
    """
    word = spec.strip().lower()
    if word in ("none", "cpu"):
        return Machine(host="simulated-cpu", cpu=_HOST, simulated=True)
    key, _, rest = word.partition(":")
    count, _, mode = rest.partition(":")
    row = _row(key)
    compute, memory = _mode(row, mode)
    gpus = _gpus(row, _count(spec, count), compute, memory)
    return Machine(host=f"simulated-{word}", gpus=gpus, cpu=_HOST, simulated=True)


def names() -> list[str]:
    """Return the models that can be simulated, as typed."""
    return [row.key for row in _rows()]


def _rows() -> list[Device]:
    known = devices.devices()
    return [row for row in known if row.model and row.reported_bytes and row.family == "rocm"]


def _row(key: str) -> Device:
    row = devices.typed(key)
    if row is not None and row.family == "rocm" and row.reported_bytes:
        return row
    raise UnknownName("simulated machine", key, names(), f"one of {', '.join(names())}, cpu")


def _count(spec: str, text: str) -> int:
    if text.isascii() and text.isdecimal() and 1 <= int(text[:3]) <= _MOST_CARDS:
        return int(text[:3])
    if not text:
        return 1
    raise BadUsage(
        f"{spec!r} is no machine: {text!r} is no count from 1 to {_MOST_CARDS}.",
        "write it as mi300x:8 or mi300x:8:cpx-nps4",
    )


def _mode(row: Device, text: str) -> tuple[str | None, str | None]:
    """Return compute and memory partition: SPX/NPS1 unless asked for, none where it has none."""
    if not text:
        return next(((mode, memory[0]) for mode, memory in row.modes.items()), (None, None))
    compute, _, memory = text.upper().partition("-")
    allowed = row.modes.get(compute, ())
    memory = memory or (allowed[0] if allowed else "")
    if memory not in allowed:
        raise BadUsage(f"{row.model} has no mode {text}.", f"one of {', '.join(_modes(row))}")
    return compute, memory


def _modes(row: Device) -> list[str]:
    return [f"{mode}-{m}".lower() for mode, memory in row.modes.items() for m in memory] or ["none"]


def _gpus(row: Device, cards: int, compute: str | None, memory: str | None) -> tuple[Gpu, ...]:
    parts = _PARTS.get(compute or "SPX", row.xcc or 1)
    sizes = _sizes(row, parts, int(memory[3:]) if memory else 1)
    whole = [_gpu(row, package, parts) for package in range(cards * row.dies)]
    return tuple(
        replace(
            gpu,
            hip_index=package * parts + part,
            rocr_index=package * parts + part,
            vram_bytes=sizes[part],
            render_minor=_FIRST_MINOR + package * (row.xcc or 1) + part,
            pci_bdf=f"{package >> 5:04x}:{8 * (package & 31) + 3:02x}:00.{part:x}",
            partition_index=part,
            compute_partition=compute,
            memory_partition=memory,
        )
        for package, gpu in enumerate(whole)
        for part in range(parts)
    )


def _sizes(row: Device, parts: int, domains: int) -> list[int]:
    """Return bytes per partition: a domain each, shared; the reserve comes out of the last one."""
    whole = row.reported_bytes or 0
    if domains == 1:
        return [whole // parts] * parts
    domain, sharing = ((row.reported_bytes or 0) + RESERVED_BYTES) // domains, parts // domains
    last = (domain - RESERVED_BYTES) // sharing
    return [domain // sharing] * (parts - sharing) + [last] * sharing


def _gpu(row: Device, package: int, parts: int) -> Gpu:
    return Gpu(
        name=row.name,
        model=row.model,
        pci_device_id=row.ids[0] if row.ids else None,
        gfx=row.gfx,
        vram_used_bytes=0,
        cu_count=row.cu // parts if row.cu else None,
        integrated=row.integrated,
        usable=True,
        source="simulated",
        num_xcc=(row.xcc or 1) // parts,
        # MI250X: the two GCDs of a card are linked, xGMI boxes all to all.
        hive_id={"xgmi": 1, "package": package // row.dies + 1}.get(row.fabric or ""),
        state="free",
    )
