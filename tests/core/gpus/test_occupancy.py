"""Free, busy, unexplained, hidden: who holds what, read from a tree and from leases."""

from __future__ import annotations

import getpass
import os
import shutil
from pathlib import Path

import pytest

from aim_jupyter.core import gpus, leases
from aim_jupyter.core.errors import GpuUnavailable
from aim_jupyter.core.gpus import occupancy
from aim_jupyter.core.records import Gpu
from aim_jupyter.core.sizes import GIB

from . import trees

KEY = f"{trees.bdf(0)}-0"


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIM_SYS_ROOT", str(tmp_path / "root"))
    return tmp_path / "root"


def listed() -> list[Gpu]:
    return list(gpus.machine().gpus)


def test_an_idle_gpu_is_free_although_the_driver_holds_some(root: Path) -> None:
    trees.written(trees.mi300x(2) | trees.process(os.getpid(), {trees.gpu_id(1): 0}), root)
    assert [gpu.state for gpu in listed()] == ["free", "free"]
    assert listed()[0].vram_used_bytes == 284 << 20


def test_a_process_makes_it_busy_with_pid_and_user(root: Path) -> None:
    held = trees.process(os.getpid(), {trees.gpu_id(0): 90 * GIB})
    trees.written(trees.mi300x(2, used={0: 90 * GIB}) | held, root)
    busy, free = listed()
    assert (busy.state, busy.pid, busy.holder) == ("busy", os.getpid(), getpass.getuser())
    assert busy.reason == "held without a lease"
    assert free.state == "free"


def test_a_process_that_is_gone_holds_without_a_name(root: Path) -> None:
    held = trees.process(2**22 - 1, {trees.gpu_id(0): 90 * GIB})
    trees.written(trees.mi300x(1, used={0: 90 * GIB}) | held, root)
    (gpu,) = listed()
    assert (gpu.state, gpu.holder, gpu.pid) == ("busy", None, 2**22 - 1)
    assert gpu.reason == "held by another user or container"


def test_memory_without_a_process_is_unexplained(root: Path) -> None:
    files = trees.mi300x(2, used={1: 46 * GIB}) | trees.process(os.getpid(), {1: 0})
    trees.written(files, root)
    free, stray = listed()
    assert (free.state, stray.state) == ("free", "unexplained")
    assert stray.reason == "46.0 GiB held by no visible process"


def test_two_processes_on_one_gpu_are_one_busy_gpu_named_after_the_larger(root: Path) -> None:
    files = trees.mi300x(1, used={0: 99 * GIB})
    files |= trees.process(os.getppid(), {trees.gpu_id(0): 9 * GIB})
    files |= trees.process(os.getpid(), {trees.gpu_id(0): 90 * GIB})
    trees.written(files, root)
    assert listed()[0].pid == os.getpid()


def test_further_contexts_of_a_process_count(root: Path) -> None:
    files = trees.mi300x(1, used={0: 90 * GIB})
    path = f"{trees.PROC}/{os.getpid()}/context_7/vram_{trees.gpu_id(0)}"
    trees.written(files | {path: f"{90 * GIB}\n".encode()}, root)
    assert listed()[0].state == "busy"


def test_a_partition_shows_what_is_held_on_it_not_what_the_whole_gpu_uses(root: Path) -> None:
    files = trees.mi300x(1, 8, used={0: 21 * GIB})
    files |= trees.process(os.getpid(), {trees.gpu_id(0, 3): 20 * GIB})
    trees.written(files, root)
    found = listed()
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
    assert [gpu.state for gpu in listed()] == ["unexplained", "busy"]


def test_without_any_figure_the_state_is_unknown(root: Path) -> None:
    files = {path: text for path, text in trees.mi300x(1).items() if "vram_used" not in path}
    trees.written(files, root)
    assert listed()[0].state is None


def test_a_lease_makes_it_busy_with_the_servers_name(root: Path) -> None:
    trees.written(trees.mi300x(2), root)
    with leases.take([KEY], info={"server": "qwen3-8b", "pid": 4711}):
        busy, free = listed()
        assert (busy.state, busy.server, busy.pid) == ("busy", "qwen3-8b", 4711)
        assert busy.holder == getpass.getuser()
        assert busy.lease_age_s is not None
        assert busy.reason is None
        assert free.state == "free"
    assert [gpu.state for gpu in listed()] == ["free", "free"]


def test_a_lease_shows_through_a_mask(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trees.written(trees.mi300x(2), root)
    monkeypatch.setenv("ROCR_VISIBLE_DEVICES", "1")
    with leases.take([KEY], info={"server": "qwen3-8b"}):
        gpu = listed()[0]
        assert (gpu.state, gpu.server, gpu.hip_index) == ("hidden", "qwen3-8b", None)


# -- leasing with the occupancy read again -------------------------------------------------------


def test_a_reservation_holds_the_gpus_and_nothing_else(root: Path) -> None:
    trees.written(trees.mi300x(4), root)
    with gpus.reserve(listed()[1:3], info={"server": "mine"}) as lease:
        assert lease.keys == (f"{trees.bdf(1)}-0", f"{trees.bdf(2)}-0")
        assert [gpu.state for gpu in listed()] == ["free", "busy", "busy", "free"]


def test_what_came_between_looking_and_taking_is_noticed(root: Path) -> None:
    files = trees.mi300x(2)
    trees.written(files, root)
    chosen = listed()
    trees.written(trees.process(os.getpid(), {trees.gpu_id(1): 90 * GIB}), root)
    with pytest.raises(GpuUnavailable, match=r"holds 0\.3 GiB without a lease"):
        gpus.reserve(chosen, info={})
    assert leases.holders() == {}
    gpus.reserve(chosen, info={}, share=True).release()


@pytest.mark.parametrize("share", [False, True])
def test_a_gpu_that_is_gone_or_hidden_is_refused(
    root: Path, *, share: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    trees.written(trees.mi300x(2), root)
    chosen = listed()
    monkeypatch.setenv("HIP_VISIBLE_DEVICES", "0")
    with pytest.raises(GpuUnavailable, match="outside HIP_VISIBLE_DEVICES"):
        gpus.reserve(chosen, info={}, share=share)
    monkeypatch.delenv("HIP_VISIBLE_DEVICES")
    (root / trees.NODES / "3" / "properties").unlink()
    with pytest.raises(GpuUnavailable, match="no compute driver"):
        gpus.reserve(chosen, info={}, share=share)
    shutil.rmtree(root / "sys" / "bus")
    with pytest.raises(GpuUnavailable, match="gone"):
        gpus.reserve(chosen, info={}, share=share)
    assert leases.holders() == {}


def test_stray_memory_is_refused_unless_shared(root: Path) -> None:
    trees.written(trees.mi300x(1, used={0: 46 * GIB}), root)
    with pytest.raises(GpuUnavailable, match=r"46\.0 GiB held"):
        gpus.reserve(listed(), info={})
    gpus.reserve(listed(), info={}, share=True).release()


def test_a_gpu_without_an_address_cannot_be_leased() -> None:
    with pytest.raises(GpuUnavailable, match="address"):
        gpus.reserve([Gpu(hip_index=0)], info={})


# -- where an engine really sits -----------------------------------------------------------------


def test_an_engine_on_its_gpus_is_well_placed(root: Path) -> None:
    held = trees.process(4711, {trees.gpu_id(0): 9 * GIB, trees.gpu_id(1): 1 << 20})
    trees.written(trees.mi300x(2) | held, root)
    placed = gpus.verify_placement([4710, 4711], listed()[:1])
    assert placed.good is True
    assert placed.held_bytes == {trees.gpu_id(0): 9 * GIB}


def test_an_engine_on_another_gpu_is_found_out(root: Path) -> None:
    trees.written(trees.mi300x(2) | trees.process(4711, {trees.gpu_id(1): 9 * GIB}), root)
    placed = gpus.verify_placement([4711], listed()[:1])
    assert placed.good is False
    assert placed.wrong == (trees.gpu_id(1),)
    assert trees.bdf(0) in placed.found


def test_an_engine_that_has_not_allocated_yet_is_not_called_misplaced(root: Path) -> None:
    trees.written(trees.mi300x(2) | trees.process(4711, {trees.gpu_id(0): 9 * GIB}), root)
    placed = gpus.verify_placement([4711], listed())
    assert (placed.good, placed.wrong, placed.missing) == (False, (), (trees.gpu_id(1),))


def test_a_driver_that_does_not_tell_is_no_verdict(root: Path) -> None:
    trees.written(trees.mi300x(1), root)
    assert gpus.verify_placement([4711], listed()).good is None


def test_in_a_container_the_pids_are_the_hosts(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trees.written(trees.mi300x(1) | trees.process(999_999, {trees.gpu_id(0): 9 * GIB}), root)
    monkeypatch.setattr(occupancy, "counts_alike", lambda: False)
    placed = gpus.verify_placement([4711], listed())
    assert placed.good is None
    assert "host" in placed.found
