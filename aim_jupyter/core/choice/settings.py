"""Engine options, as recipes and users write them, as the settings of the fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import structs

from aim_jupyter.core.checkpoint.drafting import speculation
from aim_jupyter.core.checkpoint.formats import DTYPES
from aim_jupyter.core.recipes.arguments.options import whole
from aim_jupyter.core.records.fit import Settings

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
