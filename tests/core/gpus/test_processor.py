"""Cores and memory as the container allows them."""

from __future__ import annotations

import os

import pytest

from aim_jupyter.core import gpus
from aim_jupyter.core.gpus import processor
from aim_jupyter.core.gpus.tree import Reader
from aim_jupyter.core.records import Cpu
from aim_jupyter.core.sizes import GIB

from .trees import Files, MemoryTree

PROC: Files = {
    "proc/cpuinfo": b"processor\t: 0\nmodel name\t: AMD EPYC 9474F 48-Core Processor\n",
    "proc/meminfo": b"MemTotal: 67108864 kB\nMemFree: 1 kB\nMemAvailable: 33554432 kB\n",
}


@pytest.fixture(autouse=True)
def many_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: set(range(16)))


def read(files: Files) -> Cpu:
    return processor.cpu(Reader(MemoryTree(PROC | files)))


def test_without_limits_it_is_the_machine() -> None:
    assert read({}) == Cpu(
        model="AMD EPYC 9474F 48-Core Processor",
        cores=16,
        memory_bytes=64 * GIB,
        memory_available_bytes=32 * GIB,
    )


def test_its_flags_say_whether_it_multiplies_in_bfloat16() -> None:
    assert read({}).bf16 is None
    for flags, bf16 in (("fpu avx512f avx512_bf16 sha_ni", True), ("fpu avx512f sha_ni", False)):
        told = f"processor\t: 0\nflags\t\t: {flags}\n".encode()
        assert read({"proc/cpuinfo": told}).bf16 is bf16


def test_limits_of_cgroup_2_hold_and_the_file_cache_is_free() -> None:
    cpu = read(
        {
            "proc/self/cgroup": b"0::/kubepods/pod1\n",
            "sys/fs/cgroup/kubepods/pod1/cpu.max": b"250000 100000\n",
            "sys/fs/cgroup/kubepods/pod1/memory.max": f"{8 * GIB}\n".encode(),
            "sys/fs/cgroup/kubepods/pod1/memory.current": f"{6 * GIB}\n".encode(),
            "sys/fs/cgroup/kubepods/pod1/memory.stat": f"inactive_file {GIB}\n".encode(),
        }
    )
    assert (cpu.cores, cpu.memory_bytes) == (3, 8 * GIB)
    assert cpu.memory_available_bytes == 3 * GIB


def test_a_limit_above_holds_as_well() -> None:
    cpu = read(
        {
            "proc/self/cgroup": b"0::/a/b\n",
            "sys/fs/cgroup/a/b/memory.max": b"max\n",
            "sys/fs/cgroup/a/memory.max": f"{4 * GIB}\n".encode(),
            "sys/fs/cgroup/a/cpu.max": b"max 100000\n",
        }
    )
    assert (cpu.cores, cpu.memory_bytes) == (16, 4 * GIB)


def test_limits_of_cgroup_1_hold_and_its_no_limit_is_none() -> None:
    cpu = read(
        {
            "proc/self/cgroup": b"4:memory:/docker/x\n1:cpu,cpuacct:/docker/x\n",
            "sys/fs/cgroup/memory/docker/x/memory.limit_in_bytes": b"9223372036854771712\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": f"{16 * GIB}\n".encode(),
            "sys/fs/cgroup/memory/memory.usage_in_bytes": f"{GIB}\n".encode(),
            "sys/fs/cgroup/cpu/docker/x/cpu.cfs_quota_us": b"-1\n",
        }
    )
    assert (cpu.cores, cpu.memory_bytes, cpu.memory_available_bytes) == (16, 16 * GIB, 15 * GIB)


def test_what_can_not_be_read_is_unknown() -> None:
    cpu = processor.cpu(Reader(MemoryTree({})))
    assert cpu == Cpu(model=None, cores=16, memory_bytes=None, memory_available_bytes=None)


def test_this_machine() -> None:
    cpu = gpus.machine().cpu
    assert cpu.memory_bytes
    assert cpu.memory_available_bytes
    assert cpu.memory_available_bytes <= cpu.memory_bytes
