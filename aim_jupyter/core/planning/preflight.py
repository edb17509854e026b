"""What can be known before a start is looked at before it, in well under a second.

Each check here stands for a failure that an engine would meet after half a minute, or after an
hour's download. Options are checked where the plan is made, by the engine's own parser; so is the
fit. The administrator's policy is applied there as well.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec

from aim_jupyter.core import cache, config, gpus
from aim_jupyter.core.cache import soundness
from aim_jupyter.core.errors import AimError, BadUsage, GpuUnavailable, PortTaken, StateUnusable
from aim_jupyter.core.permission import PICKLES
from aim_jupyter.core.records import Machine, Plan
from aim_jupyter.core.serving import ports, sockets

GIB = 1 << 30
#: What a start writes beside the model: its log, compiled kernels, sockets.
LEAST_FREE_BYTES = 256 << 20
#: Of the path of a socket file: ``sun_path`` has 108, one for the end.
MOST_SOCKET_BYTES = 107


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
    folder = _folder(plan)
    if folder is not None:
        pickle = _said(plan, "--load-format") in PICKLES
        found = list(soundness.faults(folder, pickle=pickle))
        yield from found
        if not found:
            yield from _context(plan, folder)


def _folder(plan: Plan) -> Path | None:
    """Return the folder with the model, None where it is still to come."""
    if plan.download is not None:
        return None
    if plan.model_path.startswith("/"):
        return Path(plan.model_path)
    located = cache.locate(plan.model_path, plan.revision)
    return Path(located.path) if located.path else None


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
    length = len(os.fsencode(sockets.listening(config.servers_dir() / plan.server)))
    if length > MOST_SOCKET_BYTES:
        yield BadUsage(
            f"The path of the socket would have {length} bytes, the kernel takes "
            f"{MOST_SOCKET_BYTES}.",
            "a shorter --name, or AIM_STATE_DIR set to a shorter path",
        )


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
                f"{folder} has {free / GIB:.1f} GiB free, {size / GIB:.1f} GiB are needed.",
                f"%aim cache shows what to remove; {variable} moves it to another disk",
            )


def _devices(plan: Plan) -> Iterator[AimError]:
    if plan.gpus:
        fault = closed(gpus.machine(), plan.gpus)
        if fault is not None:
            yield fault


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


def _context(plan: Plan, folder: Path) -> Iterator[AimError]:
    """Yield that the model was not made for so long a context."""
    asked = _said(plan, "--max-model-len")
    facts = msgspec.json.decode((folder / "config.json").read_bytes(), type=dict[str, Any])
    limit = _longest(facts)
    allowed = plan.env.get("VLLM_ALLOW_LONG_MAX_MODEL_LEN") == "1"
    if limit is None or not asked.isdecimal() or allowed or int(asked) <= limit:
        return
    yield BadUsage(
        f"{plan.model} takes {limit:,} tokens, not {int(asked):,}: so its config.json says.",
        f"%aim launch {plan.model} --max-model-len {limit}",
    )


def _longest(facts: Mapping[str, Any]) -> int | None:
    """Return the longest context that a config allows, None where a rule could stretch it."""
    inside = facts.get("text_config")
    text = {**facts, **inside} if isinstance(inside, dict) else facts
    stretched = text.get("rope_scaling") or text.get("rope_parameters") or {}
    kind = stretched.get("rope_type", stretched.get("type")) if isinstance(stretched, dict) else "?"
    limit = text.get("max_position_embeddings")
    plain = kind in (None, "default")
    return limit if plain and type(limit) is int and limit > 0 else None


def _said(plan: Plan, option: str) -> str:
    """Return the value of an option on the plan's command line, empty where it is not there."""
    return next((value for word, value in pairwise(plan.argv) if word == option), "")
