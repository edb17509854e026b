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
from aim_jupyter.core.serving.start import turn
from aim_jupyter.core.serving.state.folder import ServerFolder

#: Seconds in which the driver has freed the memory of processes that are gone (facts 4.2).
SETTLE_S = 30.0
_LOOK_S = 0.25
#: How often others are chosen: each user of a node may launch at the same moment.
_ATTEMPTS = 8


@contextlib.contextmanager
def leased(
    folder: ServerFolder, move: Callable[[Plan], None], say: turn.Say, *, again: bool = False
) -> Iterator[Lease | None]:
    """Hold the plan's GPUs inside the block; what an engine has inherited, it holds itself.

    There is no lease where the plan has no GPUs, and where its turn was waited for in vain.

    Parameters
    ----------
    folder : ServerFolder
        Holds the record with the plan.
    move : callable
        Is given the plan on other GPUs where somebody was quicker (`elsewhere`).
    say : callable
        Is told where the server stands in the line, and returns whether it waits on.
    again : bool
        Whether it had them until a moment ago: it then takes them before those who wait.

    Raises
    ------
    GpuUnavailable
        If one is gone, or somebody else's, and there are no others that would do.
    """
    record = folder.read()
    plan = record.plan
    if not plan.gpus:
        yield None
        return

    def take(keys: frozenset[str] | None) -> Lease:
        return _taken(plan, keys, folder.events, move)

    if plan.queue and not again:
        lease = turn.waited(plan, folder.path, record.created_at, take, say)
    else:
        lease = take(None if again else turn.allowed(plan))
    if lease is None:
        yield None
        return
    with lease:
        folder.events.add("lease", f"holds {folder.read().plan.devices}")
        yield lease


def _taken(
    plan: Plan, keys: frozenset[str] | None, events: EventLog, move: Callable[[Plan], None]
) -> Lease:
    """Take the plan's GPUs, or others that would do; of `keys` alone where those are given."""
    for attempt in range(1, _ATTEMPTS + 1):
        try:
            return _reserved(plan, keys)
        except GpuUnavailable as error:
            other = elsewhere(plan, keys)
            if other is None or attempt == _ATTEMPTS:
                raise
            events.add("lease", f"{error.found} Taking {other.devices}.")
            move(plan := other)
    raise AssertionError


def _reserved(plan: Plan, keys: frozenset[str] | None) -> Lease:
    present = {gpu.hip_index: gpu for gpu in gpus.machine().gpus}
    chosen = [gpu for index in plan.gpus if (gpu := present.get(index))]
    if len(chosen) < len(plan.gpus):
        raise GpuUnavailable(f"{plan.devices} is not there any more.", "%aim gpus")
    if keys is not None and not keys.issuperset(gpu.key or "" for gpu in chosen):
        raise GpuUnavailable(f"{plan.devices} is not free for it.", "%aim queue")
    info: dict[str, object] = {"server": plan.server, "model": plan.model}
    if plan.lifetime_s is not None:
        info["until"] = time.time() + plan.lifetime_s
    return gpus.reserve(chosen, info=info)


def elsewhere(plan: Plan, keys: frozenset[str] | None = None) -> Plan | None:
    """Return the plan on other GPUs of the same kind that are free now; None where it can't move.

    Between a plan and its lease somebody else may launch. Who asked for these very GPUs is told so;
    who left the choice to us gets another. GPUs near the first free one are preferred.

    Parameters
    ----------
    keys : frozenset of str, optional
        Those that it may have.
    """
    if not plan.gpus or (turn.ASKED in plan.asked and keys is None):
        return None
    free = [gpu for gpu in turn.alike(plan) if gpu.state == "free" and _may(gpu, keys)]
    if len(free) < len(plan.gpus):
        return None
    near = sorted(free, key=lambda gpu: gpu.numa_node != free[0].numa_node)
    chosen = sorted(gpu.hip_index or 0 for gpu in near[: len(plan.gpus)])
    return replace(plan, gpus=tuple(chosen))


def _may(gpu: Gpu, keys: frozenset[str] | None) -> bool:
    return keys is None or gpu.key in keys


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
