"""What can be known before a start is looked at before it, in well under a second.

Each check here stands for a failure that an engine would meet after half a minute, or after an
hour's download. Options are checked where the plan is made, by the engine's own parser; so is the
fit. The administrator's policy is applied there as well.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator
from itertools import pairwise
from pathlib import Path

from msgspec import structs

from aim_jupyter.core import adapters, cache, config, gpus
from aim_jupyter.core.cache import soundness
from aim_jupyter.core.checkpoint.context import longest
from aim_jupyter.core.checkpoint.folder import read
from aim_jupyter.core.checkpoint.overrides import overridden
from aim_jupyter.core.errors import AimError, BadUsage, GpuUnavailable, PortTaken, StateUnusable
from aim_jupyter.core.planning import merged
from aim_jupyter.core.records import Machine, Plan
from aim_jupyter.core.serving.start import ports, sockets, turn
from aim_jupyter.core.sizes import GIB

#: What a start writes beside the model: its log, compiled kernels, sockets.
LEAST_FREE_BYTES = 256 << 20
#: Of the path of a socket file: ``sun_path`` has 108, one for the end.
MOST_SOCKET_BYTES = 107
_LENGTH = "--max-model-len"


def check(plan: Plan) -> None:
    """Raise the first thing that would make a start of `plan` fail.

    Raises
    ------
    AimError
        With what was found, and what to do.
    """
    for fault in faults(plan):
        raise fault


def faults(plan: Plan) -> Iterator[AimError]:
    """Yield everything that would make a start of `plan` fail, the quickest looks first."""
    yield from _port(plan)
    yield from _disk(plan)
    yield from _devices(plan)
    located = _located(plan)
    if located is not None and located.path is not None:
        fault = _refusal(plan, located)
        if fault is None:
            yield from _context(plan, Path(located.path))
        else:
            yield fault
            yield from list(soundness.faults(Path(located.path), pickle=_pickle(plan)))[1:]


def _refusal(plan: Plan, located: cache.Located) -> AimError | None:
    return soundness.refusal(located, pickle=_pickle(plan))


def _pickle(plan: Plan) -> bool:
    return merged.pickles(plan.argv, adapters.of(plan.engine)) is not None


def _located(plan: Plan) -> cache.Located | None:
    """Return where the model lies, None where it is still to come."""
    if plan.download is not None or "://" in plan.model_path:
        return None
    if plan.model_path.startswith("/"):
        return cache.Located(path=plan.model_path)
    return cache.locate(plan.model_path, plan.revision)


def _port(plan: Plan) -> Iterator[AimError]:
    if plan.listen == "unix":
        yield from _socket(plan)
        return
    if plan.port is None and plan.listen == "loopback":
        return
    try:
        ports.reserve(plan.port, plan.listen)[0].close()
    except PortTaken as error:
        holder = ports.listener(plan.port) if plan.port else None
        if holder is not None:
            error = PortTaken(f"{holder} listens on port {plan.port}.", error.hint)
        yield error


def _socket(plan: Plan) -> Iterator[AimError]:
    """Yield that the path of the socket file is longer than the kernel takes (``unix(7)``)."""
    file = sockets.listening(plan, config.servers_dir() / plan.server)
    length = len(os.fsencode(file))
    if length > MOST_SOCKET_BYTES:
        yield BadUsage(
            f"The path of the socket would have {length} bytes, the kernel takes "
            f"{MOST_SOCKET_BYTES}.",
            "a shorter --name, or AIM_STATE_DIR set to a shorter path",
        )


#: What makes room, where something can be let go.
_ROOM = {"AIM_CACHE_DIR": "%aim cache evict --older-than 30d"}


def _disk(plan: Plan) -> Iterator[AimError]:
    wanted = {config.state_dir(): (LEAST_FREE_BYTES, "AIM_STATE_DIR")}
    if plan.download is not None and plan.download_bytes:
        there = cache.bytes_on_disk(plan.download)
        wanted[config.model_cache_dir()] = (max(0, plan.download_bytes - there), "AIM_CACHE_DIR")
    for folder, (size, variable) in wanted.items():
        # Not `Path.exists`: that raises below a folder that may not be read.
        existing = next(each for each in (folder, *folder.parents) if os.path.exists(each))  # noqa: PTH110
        free = shutil.disk_usage(existing).free
        if free < size:
            yield StateUnusable(
                f"{folder} has {free / GIB:.1f} GiB free, {size / GIB:.1f} GiB are needed; "
                f"{variable} moves it to another disk.",
                _ROOM.get(variable, f"set {variable} to a folder on another disk"),
            )


def _devices(plan: Plan) -> Iterator[AimError]:
    # Those of a site are its own to give.
    if plan.gpus and not plan.on:
        fault = closed(gpus.machine(), plan.gpus)
        if fault is not None:
            yield fault
        elif not plan.queue:
            yield from _kept(plan)


def _kept(plan: Plan) -> Iterator[AimError]:
    """Yield that the GPUs which would do are kept for others, who wait for them."""
    try:
        turn.allowed(plan)
    except AimError as error:
        yield error


def closed(here: Machine, wanted: Collection[int]) -> GpuUnavailable | None:
    """Return why a GPU can't be opened (the group, the container, the driver), None if all can.

    Parameters
    ----------
    wanted : collection of int
        HIP ordinals.
    """
    shut = [gpu for gpu in here.gpus if gpu.hip_index in wanted and gpu.usable is False]
    if not shut:
        return None
    bad = next((check for check in gpus.findings(here) if not check.good), None)
    found = bad.found if bad else f"GPU {shut[0].hip_index}: {shut[0].reason}."
    return GpuUnavailable(found, (bad.fix if bad else "") or "%aim doctor")


def shortened(plan: Plan) -> Plan:
    """Return the plan with no longer a context than the files on disk allow: a recipe's may be."""
    located = _located(plan)
    if located is None or located.path is None or _refusal(plan, located) is not None:
        return plan
    limit = _exceeded(plan, Path(located.path))
    if limit is None:
        return plan
    at = plan.argv.index(_LENGTH) + 1
    return structs.replace(
        plan,
        argv=(*plan.argv[:at], str(limit), *plan.argv[at + 1 :]),
        changes=(*plan.changes, f"{_LENGTH} is {limit}: so many tokens its config.json allows"),
    )


def _exceeded(plan: Plan, folder: Path) -> int | None:
    """Return the most tokens that the model takes, where the plan asks for more; else None."""
    asked = _said(plan, _LENGTH)
    if plan.env.get("VLLM_ALLOW_LONG_MAX_MODEL_LEN") == "1" or not asked.isdecimal():
        return None
    if not (folder / "config.json").is_file():
        return None
    limit = longest(overridden(read(folder), _said(plan, "--hf-overrides")))
    return limit if limit is not None and int(asked) > limit else None


def _context(plan: Plan, folder: Path) -> Iterator[AimError]:
    """Yield that the model was not made for so long a context, unless that was overridden."""
    limit = _exceeded(plan, folder)
    if limit is None or plan.overridden:
        return
    asked = _said(plan, _LENGTH)
    yield BadUsage(
        f"{plan.model} takes {limit:,} tokens, not {int(asked):,}: so its config.json says.",
        f"%aim launch {plan.model} --max-model-len {limit}",
    )


def _said(plan: Plan, option: str) -> str:
    """Return the value of an option on the plan's command line, empty where it is not there."""
    return next((value for word, value in pairwise(plan.argv) if word == option), "")
