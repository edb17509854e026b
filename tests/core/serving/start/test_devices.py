"""A server's GPUs: leased while it runs, and seen free after its end, or said who holds what."""

from __future__ import annotations

import os
import threading
import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from aim_jupyter.core import leases, serving
from aim_jupyter.core.records import Plan
from aim_jupyter.core.serving.start import devices
from aim_jupyter.core.sizes import GIB
from tests.core.gpus import trees
from tests.waiting import until


def use(machine: Path, card: int, gib: float) -> None:
    """Let the driver count so much memory in use."""
    file = machine / f"sys/bus/pci/devices/{trees.bdf(card)}/mem_info_vram_used"
    file.write_text(f"{int(gib * GIB)}\n")


def start(plan: Plan) -> serving.ServerFolder:
    folder = serving.launch(plan)
    until(lambda: folder.read().state == "running")
    return folder


def test_a_stop_waits_until_the_memory_is_free(machine: Path, plan: Plan) -> None:
    folder = start(plan)
    use(machine, 1, 120.0)
    freed: list[str] = []

    def free() -> None:
        freed.append("the memory")
        use(machine, 1, 0.3)

    later = threading.Timer(4.0, free)
    later.start()
    record = serving.stop(folder, drain_s=0)
    assert freed == ["the memory"]
    later.join()
    assert record.state == "stopped"
    assert "held" not in record.reason
    assert leases.holders() == {}


def test_memory_that_stays_is_told_with_who_holds_it(machine: Path, plan: Plan) -> None:
    assert devices.still_held(plan, settle_s=0.0) == []
    use(machine, 1, 120.0)
    assert devices.still_held(plan, settle_s=0.5) == ["GPU 1: 120.0 GiB held by no visible process"]
    trees.written(trees.process(os.getpid(), {trees.gpu_id(1): 119 * GIB}), machine)
    (told,) = devices.still_held(plan, settle_s=0.0)
    assert told.startswith("GPU 1: ")
    assert told.endswith(f"(pid {os.getpid()}) holds 120.0 GiB")
    # The other GPU is not this server's business.
    assert devices.still_held(replace(plan, gpus=(0,)), settle_s=0.0) == []
    assert devices.still_held(replace(plan, gpus=()), settle_s=0.0) == []


@pytest.mark.timeout(180)
def test_a_stop_after_which_memory_is_held_says_so(machine: Path, plan: Plan) -> None:
    folder = start(plan)
    use(machine, 1, 64.0)
    record = serving.stop(folder, drain_s=0)
    assert record.state == "stopped"
    assert record.reason.endswith(
        "no engine process left, but memory is still held: "
        "GPU 1: 64.0 GiB held by no visible process"
    )
    last = folder.events.read()[-1]
    assert (last.kind, last.level) == ("exit", "error")


def test_the_lease_outlives_the_supervisor_that_took_it(machine: Path, plan: Plan) -> None:
    folder = start(plan)
    before = {key: holder.server for key, holder in leases.holders().items()}
    assert list(before.values()) == ["demo"]
    supervisor = folder.read().supervisor
    assert supervisor is not None
    os.kill(supervisor.pid, 9)
    while folder.read().supervisor == supervisor:
        assert {key: one.server for key, one in leases.holders().items()} == before
        time.sleep(0.02)
    serving.stop(folder, drain_s=0)
    assert leases.holders() == {}
