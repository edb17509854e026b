"""Whether an engine sits on the GPUs that it was given."""

from __future__ import annotations

from pathlib import Path

import pytest

from aim_jupyter.core import gpus
from aim_jupyter.core.gpus import occupancy
from aim_jupyter.core.sizes import GIB

from . import trees


def test_an_engine_on_its_gpus_is_well_placed(root: Path) -> None:
    held = trees.process(4711, {trees.gpu_id(0): 9 * GIB, trees.gpu_id(1): 1 << 20})
    trees.written(trees.mi300x(2) | held, root)
    placed = gpus.verify_placement([4710, 4711], trees.listed()[:1])
    assert placed.good is True
    assert placed.held_bytes == {trees.gpu_id(0): 9 * GIB}


def test_an_engine_on_another_gpu_is_found_out(root: Path) -> None:
    trees.written(trees.mi300x(2) | trees.process(4711, {trees.gpu_id(1): 9 * GIB}), root)
    placed = gpus.verify_placement([4711], trees.listed()[:1])
    assert placed.good is False
    assert placed.wrong == (trees.gpu_id(1),)
    assert trees.bdf(0) in placed.found


def test_an_engine_that_has_not_allocated_yet_is_not_called_misplaced(root: Path) -> None:
    trees.written(trees.mi300x(2) | trees.process(4711, {trees.gpu_id(0): 9 * GIB}), root)
    placed = gpus.verify_placement([4711], trees.listed())
    assert (placed.good, placed.wrong, placed.missing) == (False, (), (trees.gpu_id(1),))


def test_a_driver_that_does_not_tell_is_no_verdict(root: Path) -> None:
    trees.written(trees.mi300x(1), root)
    assert gpus.verify_placement([4711], trees.listed()).good is None


def test_in_a_container_the_pids_are_the_hosts(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trees.written(trees.mi300x(1) | trees.process(999_999, {trees.gpu_id(0): 9 * GIB}), root)
    monkeypatch.setattr(occupancy, "counts_alike", lambda: False)
    placed = gpus.verify_placement([4711], trees.listed())
    assert placed.good is None
    assert "host" in placed.found
