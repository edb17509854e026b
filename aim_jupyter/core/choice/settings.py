"""Engine options, as recipes and users write them, as the settings of the fit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import structs

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


def named(args: Mapping[str, Any]) -> dict[str, Any]:
    """Return options under their names with hyphens, without dashes before them.

    Examples
    --------
    >>> named({"--max_model_len": 8192})
    {'max-model-len': 8192}
    """
    return {name.lstrip("-").replace("_", "-"): value for name, value in args.items()}


def settings_of(args: Mapping[str, Any], base: Settings) -> Settings:
    """Return `base` with what the options of an engine change.

    A value that is no number, or no type of number, is left to the engine, which will say what it
    thinks of it.

    Examples
    --------
    >>> settings_of({"max-model-len": "32k", "enforce-eager": None}, Settings()).max_model_len
    32000
    """
    found = named(args)
    changes: dict[str, Any] = {
        field: value
        for option, field in _WHOLE.items()
        if option in found and (value := whole(found[option])) is not None
    }
    changes |= {
        field: str(found[option])
        for option, field in _TEXT.items()
        if found.get(option) is not None
        if option != "dtype" or found[option] == "auto" or str(found[option]) in DTYPES
    }
    share = _share(found.get("gpu-memory-utilization"))
    if share is not None:
        changes["util"] = share
    for option, on in (("enable-prefix-caching", True), ("no-enable-prefix-caching", False)):
        if option in found and found[option] is not False:
            changes["prefix_caching"] = on
    if "enforce-eager" in found:
        changes["enforce_eager"] = found["enforce-eager"] is not False
    return structs.replace(base, **changes)


def _share(value: Any) -> float | None:
    try:
        share = float(value)
    except (TypeError, ValueError):
        return None
    return share if 0 < share <= 1 else None
