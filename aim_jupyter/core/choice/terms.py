"""A verdict of the fit as the fields of a `Choice`: per GPU, in bytes."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from aim_jupyter.core.records import Choice, Recipe
from aim_jupyter.core.records.fit import Device, Fit
from aim_jupyter.core.sizes import amount


def terms(found: Fit, *, long: bool = False) -> dict[str, Any]:
    """Return the fields of a `Choice` that a verdict fills.

    What weights may grow by while they load is in the overhead's band, so that weights, KV cache,
    overhead and what is kept free make up the total.

    Parameters
    ----------
    long : bool
        Whether the context was chosen for its length, which the reason then begins with.
    """
    length = found.settings.max_model_len
    said = f"{length:,} tokens each; {found.reason}" if long and length else found.reason
    facts: dict[str, Any] = {
        "verdict": found.verdict,
        "reason": said,
        "context_tokens": length,
        "kv_dtype": found.settings.kv_dtype,
    }
    if found.weights is None or found.overhead is None or found.available is None:
        return facts
    weights, grown = found.weights.low, found.weights.width
    facts |= {
        "total_bytes": found.device.total_bytes if found.device else None,
        "weights_bytes": int(weights),
        "overhead_bytes": int(found.overhead.middle + grown / 2),
        "overhead_low_bytes": int(found.overhead.low),
        "overhead_high_bytes": int(found.overhead.high + grown),
        "kv_need_bytes": int(found.need.high) if found.need else None,
        "users_fit": found.concurrency.low if found.concurrency else None,
    }
    spare = found.spare
    if spare is not None and spare.high < 0:
        facts["short_bytes"] = int(-spare.high)
    # A sum that has no room for any KV cache is no picture: its parts are beyond the total.
    if found.available.middle > 0:
        facts["kv_bytes"] = int(found.available.middle)
    return facts


def on_processor(recipe: Recipe, found: Fit, device: Device) -> dict[str, Any]:
    """Return what is said otherwise of a CPU: its memory is everybody's, so what is free decides.

    What the whole server was measured to need is believed before the sum.
    """
    if found.verdict == "NO" and found.spare is not None and found.spare.high < 0:
        return {}  # its KV cache has a fixed size, and that is too small
    summed = None
    if found.weights and found.overhead and found.settings.kv_cache_bytes:
        summed = found.weights.high + found.overhead.high + found.settings.kv_cache_bytes
    need = recipe.memory_bytes or summed
    if need is None or found.available is None:
        return {}
    counted = _counted(found, need, device)
    if need > device.free:
        said = f"needs {amount(need)}, {amount(device.free)} are free"
        return {"verdict": "NO", "reason": said, **counted}
    said = f"needs {amount(need)} of {amount(device.free)} free"
    return {"verdict": "FITS", "reason": said, **counted}


def _counted(found: Fit, need: float, device: Device) -> dict[str, Any]:
    """Return the sum of a CPU: what is free is all there is, and its parts are what is needed."""
    kv = found.settings.kv_cache_bytes
    if found.weights is None or kv is None:
        return {}
    overhead = max(0, int(need - found.weights.low - kv))
    ends = ("overhead_bytes", "overhead_low_bytes", "overhead_high_bytes")
    return {"total_bytes": device.free, "kv_bytes": kv, **dict.fromkeys(ends, overhead)}


def unknown(choice: Choice, found: Fit) -> Choice:
    """Return a choice that the fit can't judge: TIGHT at best, and NO for its weights alone."""
    size, device = choice.recipe.weights.download_bytes, found.device
    if device is None:
        what = "free memory" if choice.recipe.gpu_model == "cpu" else "memory of the GPU"
        return structs.replace(choice, verdict="TIGHT", reason=f"{what} unknown")
    if not size:
        return structs.replace(choice, verdict="TIGHT", reason=f"unknown: {found.reason}")
    share, total = size / choice.recipe.tp, device.total_bytes
    if share >= min(total, device.free):
        said = f"weights need {amount(share)} of {amount(device.free)} a GPU"
        return structs.replace(choice, verdict="NO", reason=said)
    said = f"{amount(share)} of weights; KV cache unknown"
    return structs.replace(
        choice, verdict="TIGHT", reason=said, weights_bytes=int(share), total_bytes=total
    )
