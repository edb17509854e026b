"""Rounds of chaos: with the fake engine, on the GPUs of a captured machine, and on the real one."""

from __future__ import annotations

import os
import secrets
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from aim_jupyter.core import leases
from aim_jupyter.testing.chaos import Chaos
from aim_jupyter.testing.disk import Disk
from aim_jupyter.testing.kernel import Violation
from aim_jupyter.testing.plans import fake_plans, real_plans
from tests.core.gpus import trees


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three GPUs in files, whose leases are real."""
    root = trees.written(trees.mi300x(3), tmp_path / "gpus")
    place = tmp_path / "leases"
    place.mkdir()
    place.chmod(0o1777)
    monkeypatch.setenv("AIM_SYS_ROOT", str(root))
    monkeypatch.setenv("AIM_LEASE_DIR", str(place))
    # What the chaos sets itself is taken back.
    monkeypatch.setenv("AIM_ENGINE_PYTHON", "")
    return root


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk | None]:
    """A small disk for the state, None where none can be mounted."""
    if os.geteuid() != 0:
        yield None
        return
    made = Disk(tmp_path / "disk")
    monkeypatch.setenv("AIM_STATE_DIR", str(made.home))
    yield made
    made.end()


def seed() -> int:
    """Return a new seed, or that of ``CHAOS_SEED``: of a failure that is to be seen again."""
    return int(os.environ.get("CHAOS_SEED") or secrets.randbelow(1 << 32))


@pytest.mark.timeout(300)
def test_some_rounds_hold(
    machine: Path, disk: Disk | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Beside other tests, each who sees to it may stand still for seconds: the two hundred rounds,
    # which have the cores to themselves, hold it to what is promised.
    monkeypatch.setattr("aim_jupyter.testing.chaos.TRUE_S", 30.0)
    monkeypatch.setattr("aim_jupyter.testing.chaos.ORPHANS_S", 40.0)
    monkeypatch.setattr("aim_jupyter.testing.chaos.IDLE_S", 30.0)
    plans = fake_plans(tmp_path / "engines")
    chaos = Chaos(seed=3, plans=plans, disk=disk, waiting=0.5)
    try:
        chaos.rounds(6)
    finally:
        chaos.end()
    assert chaos.done["launch"]
    assert leases.holders() == {}


def test_a_broken_promise_is_seen_and_says_how_to_see_it_again(
    machine: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    chaos = Chaos(seed=4, plans=fake_plans(tmp_path / "engines"))
    monkeypatch.setattr(chaos, "_wrong_leases", lambda: ["GPU 1 is held twice"])
    monkeypatch.setattr("aim_jupyter.testing.chaos.ORPHANS_S", 0.0)
    monkeypatch.setattr("aim_jupyter.testing.chaos.TRUE_S", 30.0)
    monkeypatch.setattr(chaos, "_unsupervised", list)
    try:
        with pytest.raises(Violation, match=r"--seed 4 --rounds 1\): GPU 1 is held twice"):
            chaos.rounds(3)
    finally:
        chaos.end()


def test_the_same_seed_draws_the_same(machine: Path, tmp_path: Path) -> None:
    plans = fake_plans(tmp_path / "engines")
    runs = [Chaos(seed=5, plans=plans, kernels=0) for _ in range(2)]
    drawn = [[run._draw_order() for _ in range(50)] for run in runs]
    assert drawn[0] == drawn[1]
    assert len({order.do for order in drawn[0]}) == 4
    for run in runs:
        run.end()


@pytest.mark.timeout(1200)
def test_two_hundred_rounds_hold(machine: Path, disk: Disk | None, tmp_path: Path) -> None:
    chaos = Chaos(seed(), fake_plans(tmp_path / "engines"), disk=disk)
    try:
        chaos.rounds(200)
    finally:
        chaos.end()
        sys.stdout.write(f"seed {chaos.seed}: {dict(chaos.done)}\n")
    assert disk is None or {"no bytes", "no inodes"} <= set(chaos.done)
    assert leases.holders() == {}


@pytest.mark.timeout(1200)
def test_two_hundred_rounds_hold_in_a_line(
    machine: Path, disk: Disk | None, tmp_path: Path
) -> None:
    """Six servers for three GPUs: many launches wait, and whoever waits is killed as well."""
    names, plans = ("a", "b", "c", "d", "e", "f"), fake_plans(tmp_path / "engines")
    chaos = Chaos(seed(), plans, names, kernels=4, disk=disk, waiting=0.8)
    try:
        chaos.rounds(200)
    finally:
        chaos.end()
        sys.stdout.write(f"seed {chaos.seed}: {dict(chaos.done)}\n")
    assert chaos.done["waited"] > 100
    assert leases.holders() == {}
    assert leases.now()[0] == []


@pytest.mark.engine
@pytest.mark.timeout(1200)
def test_twenty_rounds_hold_on_the_real_engine(real_engine: None, disk: Disk | None) -> None:
    chaos = Chaos(seed(), real_plans(), names=("a", "b"), kernels=2, settle_s=60, disk=disk)
    try:
        chaos.rounds(20)
    finally:
        chaos.end()
        sys.stdout.write(f"seed {chaos.seed}: {dict(chaos.done)}\n")
