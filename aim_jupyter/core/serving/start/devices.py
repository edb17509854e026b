"""The GPUs of one server: leased while its engine runs, and seen free after it has ended."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator

from msgspec.structs import replace

from aim_jupyter.core import gpus
from aim_jupyter.core.errors import GpuUnavailable
from aim_jupyter.core.events import EventLog
from aim_jupyter.core.leases import Lease
from aim_jupyter.core.records import Gpu, Plan
from aim_jupyter.core.sizes import GIB

#: Seconds in which the driver has freed the memory of processes that are gone (facts 4.2).
SETTLE_S = 30.0
_LOOK_S = 0.25
#: How often others are chosen: each user of a node may launch at the same moment.
_ATTEMPTS = 8
#: In the words of a launch, that these very GPUs were asked for.
_ASKED = "--gpus"


@contextlib.contextmanager
def leased(
    plan: Plan, port: int, events: EventLog, move: Callable[[Plan], None]
) -> Iterator[Lease | None]:
    """Hold the plan's GPUs inside the block; what an engine has inherited, it holds itself.

    Parameters
    ----------
    move : callable
        Is given the plan on other GPUs where somebody was quicker (`elsewhere`).

    Raises
    ------
    GpuUnavailable
        If one is gone, or somebody else's, and there are no others that would do.
    """
    if not plan.gpus:
        yield None
        return
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            lease = _reserved(plan, port)
            break
        except GpuUnavailable as error:
            other = elsewhere(plan)
            if other is None or attempt == _ATTEMPTS:
                raise
            events.add("lease", f"{error.found} Taking {other.devices}.")
            move(plan := other)
    with lease:
        events.add("lease", f"holds {plan.devices}")
        yield lease


def _reserved(plan: Plan, port: int) -> Lease:
    present = {gpu.hip_index: gpu for gpu in gpus.machine().gpus}
    chosen = [gpu for index in plan.gpus if (gpu := present.get(index))]
    if len(chosen) < len(plan.gpus):
        raise GpuUnavailable(f"{plan.devices} is not there any more.", "%aim gpus")
    info = {"server": plan.server, "model": plan.model, "port": port}
    return gpus.reserve(chosen, info=info)


def elsewhere(plan: Plan) -> Plan | None:
    """Return the plan on other GPUs of the same kind that are free now; None where it can't move.

    Between a plan and its lease somebody else may launch. Who asked for these very GPUs is told so;
    who left the choice to us gets another. GPUs near the first free one are preferred.
    """
    if _ASKED in plan.asked or not plan.gpus:
        return None
    listed = [gpu for gpu in gpus.machine().gpus if gpu.hip_index is not None]
    planned = {_kind(gpu) for gpu in listed if gpu.hip_index in plan.gpus}
    free = [gpu for gpu in listed if gpu.usable and gpu.state == "free" and _kind(gpu) in planned]
    if len(free) < len(plan.gpus):
        return None
    near = sorted(free, key=lambda gpu: gpu.numa_node != free[0].numa_node)
    chosen = sorted(gpu.hip_index or 0 for gpu in near[: len(plan.gpus)])
    return replace(plan, gpus=tuple(chosen))


def _kind(gpu: Gpu) -> tuple[object, ...]:
    # The last partition of a card is 16 MiB smaller than the others (a captured MI308X in CPX).
    size = None if gpu.vram_bytes is None else round(gpu.vram_bytes / GIB)
    return (gpu.model, gpu.compute_partition, gpu.memory_partition, size)


def check_placement(plan: Plan, pids: list[int], events: EventLog) -> None:
    """Say so if an engine of these processes sits on GPUs that are not its own.

    Orders are easily confused.
    """
    if not plan.gpus:
        return
    given = [gpu for gpu in gpus.machine().gpus if gpu.hip_index in plan.gpus]
    placement = gpus.verify_placement(pids, given)
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
