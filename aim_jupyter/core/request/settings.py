"""A plan as a question to the fit: its options as settings, its model and GPUs."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import structs

from aim_jupyter.core import cache, fit
from aim_jupyter.core.checkpoint.drafting import speculation
from aim_jupyter.core.checkpoint.folder import read
from aim_jupyter.core.checkpoint.formats import DTYPES
from aim_jupyter.core.errors import AimError
from aim_jupyter.core.recipes.arguments.options import named, whole
from aim_jupyter.core.records import Machine, Plan
from aim_jupyter.core.records.fit import Device, Settings

_WHOLE = {
    "max-model-len": "max_model_len",
    "max-num-seqs": "max_num_seqs",
    "max-num-batched-tokens": "max_num_batched_tokens",
    "kv-cache-memory-bytes": "kv_cache_bytes",
    "block-size": "block_size",
    "tensor-parallel-size": "tp",
    "pipeline-parallel-size": "pp",
}
_TEXT = {"dtype": "dtype", "kv-cache-dtype": "kv_dtype", "quantization": "quantization"}


def settings_of(args: Mapping[str, Any], base: Settings) -> Settings:
    """Return `base` with what the options of an engine change, by their plain names.

    A value that is no number, or no type of number, is left to the engine, which will say what it
    thinks of it.

    Examples
    --------
    >>> settings_of({"max-model-len": "32k", "enforce-eager": None}, Settings()).max_model_len
    32000
    """
    changes: dict[str, Any] = {
        field: value
        for option, field in _WHOLE.items()
        if option in args and (value := _whole(args[option])) is not None
    }
    changes |= {
        field: str(args[option])
        for option, field in _TEXT.items()
        if args.get(option) is not None
        if option != "dtype" or args[option] == "auto" or str(args[option]) in DTYPES
    }
    share = _share(args.get("gpu-memory-utilization"))
    if share is not None:
        changes["util"] = share
    for option, on in (("enable-prefix-caching", True), ("no-enable-prefix-caching", False)):
        if option in args and args[option] is not False:
            changes["prefix_caching"] = on
    if "speculative-config" in args:
        changes["speculation"] = speculation(args["speculative-config"])
    if "enforce-eager" in args:
        changes["enforce_eager"] = args["enforce-eager"] is not False
    return structs.replace(base, **changes)


def _whole(value: Any) -> int | None:
    return value if type(value) is int and value > 0 else whole(value)


def _share(value: Any) -> float | None:
    try:
        share = float(value)
    except (TypeError, ValueError):
        return None
    return share if 0 < share <= 1 else None


def of_plan(plan: Plan) -> Settings:
    """Return the settings that a plan's engine is told."""
    args: dict[str, Any] = {}
    for word, after in itertools.pairwise([*plan.argv, "--"]):
        if word.startswith("--"):
            name, equals, value = word.partition("=")
            args[name] = value if equals else None if after.startswith("--") else after
    return settings_of(named(args), Settings(engine_version=plan.engine_version))


def device_of_plan(plan: Plan, machine: Machine) -> Device | None:
    """Return the devices of a plan, empty: what they hold now is the server itself."""
    own = [gpu for gpu in machine.gpus if gpu.hip_index in plan.gpus]
    found = fit.device_of(own, len(own)) if plan.gpus else fit.processor(machine)
    return found and structs.replace(found, free_bytes=None)


def config_of_plan(plan: Plan) -> dict[str, Any] | None:
    """Return the config of a plan's model, None where it can't be read here."""
    folder = Path(plan.model_path)
    try:
        if not folder.is_dir():
            located = cache.locate(plan.model_path, plan.revision)
            folder = Path(located.path or "")
        return read(folder)
    except (OSError, ValueError, AimError):
        return None
