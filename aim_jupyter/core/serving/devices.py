"""The GPUs of one server: leased while its engine runs, and seen free after it has ended."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from aim_jupyter.core import gpus
from aim_jupyter.core.errors import GpuUnavailable
from aim_jupyter.core.events import EventLog
from aim_jupyter.core.leases import Lease
from aim_jupyter.core.records import Plan, ProcessId
from aim_jupyter.core.serving.process import members

#: Seconds in which the driver has freed the memory of processes that are gone (facts 4.2).
SETTLE_S = 30.0
_LOOK_S = 0.25


@contextlib.contextmanager
def leased(plan: Plan, port: int, events: EventLog) -> Iterator[Lease | None]:
    """Hold the plan's GPUs inside the block; what an engine has inherited, it holds itself.

    Raises
    ------
    GpuUnavailable
        If one is gone, or somebody else's.
    """
    if not plan.gpus:
        yield None
        return
    present = {gpu.hip_index: gpu for gpu in gpus.machine().gpus}
    chosen = [gpu for index in plan.gpus if (gpu := present.get(index))]
    if len(chosen) < len(plan.gpus):
        raise GpuUnavailable(f"{plan.devices} is not there any more.", "%aim gpus")
    info = {"server": plan.server, "model": plan.model, "port": port}
    with gpus.reserve(chosen, info=info) as lease:
        events.add("lease", f"holds {plan.devices}")
        yield lease


def check_placement(plan: Plan, engine: ProcessId, events: EventLog) -> None:
    """Say so if the engine sits on GPUs that are not its own: orders are easily confused."""
    if not plan.gpus:
        return
    given = [gpu for gpu in gpus.machine().gpus if gpu.hip_index in plan.gpus]
    placement = gpus.verify_placement(members(engine), given)
    if placement.wrong:
        events.add("lease", placement.found, level="error")


def still_held(plan: Plan, settle_s: float = SETTLE_S) -> list[str]:
    """Wait until the memory of the plan's GPUs is free; return who still holds what after that."""
    if not plan.gpus:
        return []
    end = time.monotonic() + settle_s
    while (held := gpus.unreleased(plan.gpus)) and time.monotonic() < end:
        time.sleep(_LOOK_S)
    return held
