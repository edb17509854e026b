"""The processor and the memory that this process may really use, container limits included."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from aim_jupyter.core.gpus.tree import DiskTree, Reader, decimal
from aim_jupyter.core.records.gpu import Cpu

_KIB = 1024
# "No limit" in cgroup v1 is the largest page-aligned int64, far beyond any machine.
_MOST_BYTES = 1 << 50


def cpu(reader: Reader | None = None) -> Cpu:
    """Return model, cores and memory of this process's machine, as far as its cgroup lets it.

    Sources: ``/proc/cpuinfo``, `os.sched_getaffinity`, ``/proc/meminfo``, and cgroup v2
    (``cpu.max``, ``memory.max``, ``memory.current``) or v1 (``cpu.cfs_quota_us``,
    ``memory.limit_in_bytes``, ``memory.usage_in_bytes``).
    """
    reader = reader or Reader(DiskTree(Path("/")))
    total, available = _memory(reader)
    said = _said(reader)
    flags = said.get("flags")
    return Cpu(
        model=said.get("model name"),
        cores=_cores(reader),
        memory_bytes=total,
        memory_available_bytes=available,
        bf16=None if flags is None else "avx512_bf16" in flags.split(),
    )


def _said(reader: Reader) -> dict[str, str]:
    """Return what the first processor says of itself."""
    lines = (reader.text("proc/cpuinfo") or "").split("\n", 40)
    pairs = (line.partition(":") for line in reversed(lines))
    return {key.strip(): value.strip() for key, _, value in pairs if value.strip()}


def _cores(reader: Reader) -> int:
    """Return the cores of the affinity mask, less where a quota allows less (rounded up)."""
    cores = len(os.sched_getaffinity(0))
    for folder in _folders(reader, "cpu"):
        quota, _, period = (reader.text(f"{folder}/cpu.max") or "").partition(" ")
        quota = quota or reader.text(f"{folder}/cpu.cfs_quota_us") or ""
        period = period or reader.text(f"{folder}/cpu.cfs_period_us") or ""
        allowed, per = decimal(quota), decimal(period)
        if allowed and per:
            cores = min(cores, -(-allowed // per))
    return max(cores, 1)


def _memory(reader: Reader) -> tuple[int | None, int | None]:
    facts = dict(_meminfo(reader))
    total, available = facts.get("MemTotal"), facts.get("MemAvailable")
    for folder in _folders(reader, "memory"):
        limit = _first(reader, folder, "memory.max", "memory.limit_in_bytes")
        if limit is None or (total is not None and limit >= total):
            continue
        total = limit
        used = _first(reader, folder, "memory.current", "memory.usage_in_bytes")
        room = None if used is None else max(limit - used + _reclaimable(reader, folder), 0)
        available = min((x for x in (available, room) if x is not None), default=None)
    return total, available


def _meminfo(reader: Reader) -> Iterator[tuple[str, int]]:
    """Yield all memory and what is free of it, in bytes, as far as the kernel says."""
    for line in (reader.text("proc/meminfo") or "").splitlines():
        key, _, value = line.partition(":")
        if key in ("MemTotal", "MemAvailable"):
            number = decimal(value.strip().removesuffix(" kB"))
            if number is not None:
                yield key, number * _KIB


def _reclaimable(reader: Reader, folder: str) -> int:
    """Return the file cache in the group's usage, which the kernel gives back when asked."""
    for line in (reader.text(f"{folder}/memory.stat") or "").splitlines():
        key, _, value = line.partition(" ")
        if key == "inactive_file":
            return decimal(value) or 0
    return 0


def _first(reader: Reader, folder: str, *names: str) -> int | None:
    for name in names:
        if (number := reader.number(f"{folder}/{name}", _MOST_BYTES)) is not None:
            return number
    return None


def _folders(reader: Reader, controller: str) -> list[str]:
    """Return this process's cgroup folder and all above it: a limit anywhere on the way holds."""
    found: list[str] = []
    for line in (reader.text("proc/self/cgroup") or "").splitlines():
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if controllers and controller not in controllers.split(","):
            continue
        base = f"sys/fs/cgroup/{controller}" if controllers else "sys/fs/cgroup"
        parts = [part for part in path.split("/") if part and part != ".."]
        found += ["/".join([base, *parts[:depth]]) for depth in range(len(parts), -1, -1)]
    return found
