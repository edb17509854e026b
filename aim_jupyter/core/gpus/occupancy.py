"""Who holds each GPU: leases, processes, and memory that neither explains.

``/sys/class/kfd/kfd/proc/<pid>/vram_<gpu_id>`` is readable for everyone, and the gpu_id tells
partitions apart (facts 1.1, 2.3). The rules are those of facts 4.2.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from aim_jupyter.core import users
from aim_jupyter.core.gpus.tree import U32, Reader, decimal
from aim_jupyter.core.leases import Holder
from aim_jupyter.core.records.gpu import Gpu
from aim_jupyter.core.sizes import GIB, MIB

KFD_PROC = "sys/class/kfd/kfd/proc"

# A process that has only opened /dev/kfd holds nothing, or little: facts 4.2.
LEAST_HELD_BYTES = 64 * MIB
# Idle GPUs report 7 to 298 MiB in use, a desktop more: facts 4.2.
IDLE_BYTES = GIB
IDLE_SHARE = 0.01

_MOST_BYTES = 1 << 50
# PROC_PID_INIT_INO of the kernel: the namespace in which kfd/proc counts.
_FIRST_NAMESPACE = "pid:[4026531836]"


class Use(Struct, frozen=True):
    """Memory that one process holds on one device. `user` is None where it can't be told."""

    pid: int
    vram_bytes: int
    user: str | None = None


def uses(reader: Reader, *, whose: bool) -> dict[int, list[Use]] | None:
    """Return what processes hold, by gpu_id, largest first; None where KFD does not say.

    Parameters
    ----------
    whose : bool
        Whether to look the users up: only where pids are this process's too, `counts_alike`.
    """
    if reader.facts(KFD_PROC) is None:
        return None
    found: dict[int, list[Use]] = {}
    for name in reader.names(KFD_PROC):
        if (pid := decimal(name, U32)) is None:
            continue
        for gpu_id, held in _held(reader, f"{KFD_PROC}/{name}").items():
            user = _user(pid) if whose and held >= LEAST_HELD_BYTES else None
            found.setdefault(gpu_id, []).append(Use(pid, held, user))
    for held_here in found.values():
        held_here.sort(key=lambda use: -use.vram_bytes)
    return found


def _held(reader: Reader, folder: str) -> dict[int, int]:
    """Return bytes by gpu_id; newer kernels keep further contexts in folders of their own."""
    found: dict[int, int] = {}
    for name in reader.names(folder):
        if name.startswith("context_"):
            inner = _held(reader, f"{folder}/{name}")
        else:
            gpu_id = decimal(name.removeprefix("vram_"), U32) if name.startswith("vram_") else None
            held = None if gpu_id is None else reader.number(f"{folder}/{name}", _MOST_BYTES)
            inner = {} if gpu_id is None or held is None else {gpu_id: held}
        for gpu_id, held in inner.items():
            found[gpu_id] = found.get(gpu_id, 0) + held
    return found


def settled(
    gpus: Sequence[Gpu],
    holders: Mapping[str, Holder],
    held: Mapping[int, Sequence[Use]] | None,
) -> tuple[Gpu, ...]:
    """Return the GPUs with state, holder and reason; those that are hidden stay so."""
    families: dict[str | None, list[Gpu]] = {}
    for gpu in gpus:
        families.setdefault(_device(gpu), []).append(gpu)
    return tuple(
        _settled(gpu, holders.get(gpu.key or ""), held, families[_device(gpu)]) for gpu in gpus
    )


def _settled(
    gpu: Gpu,
    lease: Holder | None,
    held: Mapping[int, Sequence[Use]] | None,
    siblings: Sequence[Gpu],
) -> Gpu:
    own = held.get(gpu.gpu_id, ()) if held is not None and gpu.gpu_id is not None else ()
    if gpu.vram_used_bytes is None and held is not None and gpu.gpu_id is not None:
        gpu = replace(gpu, vram_used_bytes=sum(use.vram_bytes for use in own))
    holding = [use for use in own if use.vram_bytes >= LEAST_HELD_BYTES]
    if lease or holding:
        gpu = _busy(gpu, lease, holding)
    elif gpu.state != "hidden":
        who = "by no visible process" if held is not None else "by an unknown process"
        gpu = _idle(gpu, unexplained(siblings, held), who)
    return gpu


def _busy(gpu: Gpu, lease: Holder | None, holding: Sequence[Use]) -> Gpu:
    first = holding[0] if holding else None
    user = lease.user if lease else first.user if first else None
    return replace(
        gpu,
        state=gpu.state or "busy",
        holder=user,
        server=lease.server if lease else None,
        # The process that has the memory tells more than the supervisor that took the lease.
        pid=first.pid if first else lease.pid if lease else None,
        lease_age_s=lease.age_s if lease else None,
        reason=gpu.reason or _remark(lease, holding),
    )


def _remark(lease: Holder | None, holding: Sequence[Use]) -> str | None:
    users = {use.user for use in holding}
    if lease is None:
        return "held by another user or container" if None in users else "held without a lease"
    others = sorted(user for user in users if user not in (None, lease.user))
    return f"also held by {', '.join(map(str, others))}" if others else None


def _idle(gpu: Gpu, stray: int | None, who: str) -> Gpu:
    if gpu.rocr_index is None or stray is None:
        return gpu
    if stray:
        reason = f"{stray / GIB:.1f} GiB held {who}"
        return replace(gpu, state="unexplained", reason=gpu.reason or reason)
    return replace(gpu, state="free")


def unexplained(siblings: Sequence[Gpu], held: Mapping[int, Sequence[Use]] | None) -> int | None:
    """Return the bytes in use that no process explains: 0 for an idle GPU, None if unknown.

    The driver counts for the physical GPU, so all its partitions are judged together.
    """
    used = siblings[0].vram_used_bytes_reported
    if used is None:
        return None
    known = sum(
        use.vram_bytes
        for gpu in siblings
        for use in (held or {}).get(gpu.gpu_id if gpu.gpu_id is not None else -1, ())
    )
    whole = sum(gpu.vram_bytes or 0 for gpu in siblings)
    stray = used - known
    return stray if stray > max(IDLE_BYTES, IDLE_SHARE * whole) else 0


def _device(gpu: Gpu) -> str | None:
    """Return what the partitions of one physical GPU have in common."""
    return gpu.pci_bdf[:-2] if gpu.pci_bdf else f"gpu_id {gpu.gpu_id}"


def _user(pid: int) -> str | None:
    try:
        return users.name(os.stat(f"/proc/{pid}").st_uid)  # noqa: PTH116 - hot, see tree.py
    except OSError:  # it ended meanwhile
        return None


def counts_alike() -> bool:
    """Return whether the pids in kfd/proc, which are the host's, are pids here too."""
    try:
        return Path("/proc/self/ns/pid").readlink().name == _FIRST_NAMESPACE
    except OSError:
        return False
