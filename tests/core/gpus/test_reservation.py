"""Leases on GPUs, with the occupancy read again once they are held."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from aim_jupyter.core import gpus, leases
from aim_jupyter.core.errors import GpuUnavailable
from aim_jupyter.core.records import Gpu
from aim_jupyter.core.sizes import GIB

from . import trees


def test_a_reservation_holds_the_gpus_and_nothing_else(root: Path) -> None:
    trees.written(trees.mi300x(4), root)
    with gpus.reserve(trees.listed()[1:3], info={"server": "mine"}) as lease:
        assert lease.keys == (f"{trees.bdf(1)}-0", f"{trees.bdf(2)}-0")
        assert [gpu.state for gpu in trees.listed()] == ["free", "busy", "busy", "free"]


def test_what_came_between_looking_and_taking_is_noticed(root: Path) -> None:
    files = trees.mi300x(2)
    trees.written(files, root)
    chosen = trees.listed()
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
    chosen = trees.listed()
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
        gpus.reserve(trees.listed(), info={})
    gpus.reserve(trees.listed(), info={}, share=True).release()


def test_a_gpu_without_an_address_cannot_be_leased() -> None:
    with pytest.raises(GpuUnavailable, match="address"):
        gpus.reserve([Gpu(hip_index=0)], info={})
