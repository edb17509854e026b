"""Free, busy, unexplained, hidden: who holds what, read from a tree and from leases."""

from __future__ import annotations

import getpass
import os
from pathlib import Path

import pytest

from aim_jupyter.core import leases
from aim_jupyter.core.sizes import GIB

from . import trees

KEY = f"{trees.bdf(0)}-0"


def test_an_idle_gpu_is_free_although_the_driver_holds_some(root: Path) -> None:
    trees.written(trees.mi300x(2) | trees.process(os.getpid(), {trees.gpu_id(1): 0}), root)
    assert [gpu.state for gpu in trees.listed()] == ["free", "free"]
    assert trees.listed()[0].vram_used_bytes == 284 << 20


def test_a_process_makes_it_busy_with_pid_and_user(root: Path) -> None:
    held = trees.process(os.getpid(), {trees.gpu_id(0): 90 * GIB})
    trees.written(trees.mi300x(2, used={0: 90 * GIB}) | held, root)
    busy, free = trees.listed()
    assert (busy.state, busy.pid, busy.holder) == ("busy", os.getpid(), getpass.getuser())
    assert busy.reason == "held without a lease"
    assert free.state == "free"


def test_a_process_that_is_gone_holds_without_a_name(root: Path) -> None:
    held = trees.process(2**22 - 1, {trees.gpu_id(0): 90 * GIB})
    trees.written(trees.mi300x(1, used={0: 90 * GIB}) | held, root)
    (gpu,) = trees.listed()
    assert (gpu.state, gpu.holder, gpu.pid) == ("busy", None, 2**22 - 1)
    assert gpu.reason == "held by another user or container"


def test_memory_without_a_process_is_unexplained(root: Path) -> None:
    files = trees.mi300x(2, used={1: 46 * GIB}) | trees.process(os.getpid(), {1: 0})
    trees.written(files, root)
    free, stray = trees.listed()
    assert (free.state, stray.state) == ("free", "unexplained")
    assert stray.reason == "46.0 GiB held by no visible process"


def test_two_processes_on_one_gpu_are_one_busy_gpu_named_after_the_larger(root: Path) -> None:
    files = trees.mi300x(1, used={0: 99 * GIB})
    files |= trees.process(os.getppid(), {trees.gpu_id(0): 9 * GIB})
    files |= trees.process(os.getpid(), {trees.gpu_id(0): 90 * GIB})
    trees.written(files, root)
    assert trees.listed()[0].pid == os.getpid()


def test_further_contexts_of_a_process_count(root: Path) -> None:
    files = trees.mi300x(1, used={0: 90 * GIB})
    path = f"{trees.PROC}/{os.getpid()}/context_7/vram_{trees.gpu_id(0)}"
    trees.written(files | {path: f"{90 * GIB}\n".encode()}, root)
    assert trees.listed()[0].state == "busy"


def test_a_partition_shows_what_is_held_on_it_not_what_the_whole_gpu_uses(root: Path) -> None:
    files = trees.mi300x(1, 8, used={0: 21 * GIB})
    files |= trees.process(os.getpid(), {trees.gpu_id(0, 3): 20 * GIB})
    trees.written(files, root)
    found = trees.listed()
    assert [gpu.state for gpu in found] == ["free"] * 3 + ["busy"] + ["free"] * 4
    assert [gpu.vram_used_bytes for gpu in found] == [0, 0, 0, 20 * GIB, 0, 0, 0, 0]
    assert {gpu.vram_used_bytes_reported for gpu in found} == {21 * GIB}
    assert len({gpu.key for gpu in found}) == 8
    assert {(gpu.compute_partition, gpu.memory_partition) for gpu in found} == {("CPX", "NPS1")}
    assert [gpu.power_w for gpu in found] == [132.0] + [None] * 7


def test_stray_memory_of_a_partitioned_gpu_may_be_on_any_idle_partition(root: Path) -> None:
    files = trees.mi300x(1, 2, used={0: 60 * GIB})
    files |= trees.process(os.getpid(), {trees.gpu_id(0, 1): 20 * GIB})
    trees.written(files, root)
    assert [gpu.state for gpu in trees.listed()] == ["unexplained", "busy"]


def test_without_any_figure_the_state_is_unknown(root: Path) -> None:
    files = {path: text for path, text in trees.mi300x(1).items() if "vram_used" not in path}
    trees.written(files, root)
    assert trees.listed()[0].state is None


def test_a_lease_makes_it_busy_with_the_servers_name(root: Path) -> None:
    trees.written(trees.mi300x(2), root)
    with leases.take([KEY], info={"server": "qwen3-8b", "pid": 4711}):
        busy, free = trees.listed()
        assert (busy.state, busy.server, busy.pid) == ("busy", "qwen3-8b", 4711)
        assert busy.holder == getpass.getuser()
        assert busy.lease_age_s is not None
        assert busy.reason is None
        assert free.state == "free"
    assert [gpu.state for gpu in trees.listed()] == ["free", "free"]


def test_a_lease_shows_through_a_mask(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trees.written(trees.mi300x(2), root)
    monkeypatch.setenv("ROCR_VISIBLE_DEVICES", "1")
    with leases.take([KEY], info={"server": "qwen3-8b"}):
        gpu = trees.listed()[0]
        assert (gpu.state, gpu.server, gpu.hip_index) == ("hidden", "qwen3-8b", None)


# -- leasing with the occupancy read again -------------------------------------------------------


# -- where an engine really sits -----------------------------------------------------------------
