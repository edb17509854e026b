"""The nearest launches that would fit: one thing changed, and each of them checked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from aim_jupyter.core.devices import computes_fp8
from aim_jupyter.core.fit.memory.assessment import assess
from aim_jupyter.core.fit.memory.context import rounded
from aim_jupyter.core.fit.memory.request import Request, indivisible
from aim_jupyter.core.records.fit import CounterOffer, Fit

MOST = 5
# What the engine itself chooses on smaller GPUs.
FEW_SEQS, FEW_TOKENS = 256, 2048

# The last share that is tried; beyond it there is no room for graphs and other surprises.
_MOST_UTIL = 0.95

# The options that they take on a launch line: ours where we have one, else the engine's.
_OPTIONS = {
    "max_model_len": "--context",
    "kv_dtype": "--kv-cache-dtype",
    "quantization": "--quantization",
    "tp": "--gpus",
    "max_num_seqs": "--max-num-seqs",
    "max_num_batched_tokens": "--max-num-batched-tokens",
    "util": "--gpu-memory-utilization",
    "users": "--users",
}


def offers(request: Request, fit: Fit) -> tuple[CounterOffer, ...]:
    """Return up to `MOST` changes that lead to a better verdict, those that fit first.

    Nothing is offered for a verdict that is good, or unknown.
    """
    if fit.verdict not in ("NO", "TIGHT"):
        return ()
    found = [
        offer
        for setting, value in _changes(request, fit)
        if (offer := _checked(request, fit, setting, value)) is not None
    ]
    return tuple(sorted(found, key=lambda offer: offer.verdict != "FITS")[:MOST])


def _checked(request: Request, fit: Fit, setting: str, value: Any) -> CounterOffer | None:
    then = assess(request.changed(setting, value))
    better = then.verdict == "FITS" or (then.verdict == "TIGHT" and fit.verdict == "NO")
    if not better or then.spare is None:
        return None
    return CounterOffer(
        setting=setting,
        value=value,
        option=f"{_OPTIONS[setting]} {value}",
        verdict=then.verdict,
        spare_bytes=int(then.spare.low),
        reason=_reason(setting, value, then),
    )


def _reason(setting: str, value: Any, then: Fit) -> str:
    said = {
        "max_model_len": "{:,} tokens each",
        "kv_dtype": "KV cache in FP8",
        "quantization": "weights in FP8",
        "tp": "on {} GPUs",
        "max_num_seqs": "{:,} requests a step",
        "max_num_batched_tokens": "{:,} tokens a step",
        "util": "{:.0%} of the memory",
        "users": "{} users",
    }[setting].format(value)
    return f"{then.reason}; {said}"


def _changes(request: Request, fit: Fit) -> Iterator[tuple[str, Any]]:
    """Yield what could be changed, the least loss first."""
    yield from _fewer_at_once(fit)
    yield from _smaller_cache(request, fit)
    yield from _shorter(fit)
    yield from _lighter(request)
    yield from _more_gpus(request)
    yield from _other_share(request, fit)
    if fit.settings.users > 1 and fit.concurrency is not None and fit.concurrency.low >= 1:
        yield "users", int(fit.concurrency.low)


def _fewer_at_once(fit: Fit) -> Iterator[tuple[str, Any]]:
    """Yield what the profiling run, and with it the activation, is sized by."""
    if (fit.settings.max_num_seqs or 0) > FEW_SEQS:
        yield "max_num_seqs", FEW_SEQS
    if (fit.settings.max_num_batched_tokens or 0) > FEW_TOKENS:
        yield "max_num_batched_tokens", FEW_TOKENS


def _smaller_cache(request: Request, fit: Fit) -> Iterator[tuple[str, Any]]:
    plain = fit.settings.kv_dtype in ("auto", "bfloat16", "float16")
    if plain and not request.architecture.quantization.kv and _has_fp8(request):
        yield "kv_dtype", "fp8"


def _shorter(fit: Fit) -> Iterator[tuple[str, Any]]:
    """Yield the longest context that fits, in round numbers."""
    length, asked = rounded(fit.largest_context or 0), fit.settings.max_model_len or 0
    if 0 < length < asked and not fit.refused:
        yield "max_model_len", length


def _lighter(request: Request) -> Iterator[tuple[str, Any]]:
    if not request.loaded.quantization.rules and _has_fp8(request):
        yield "quantization", "fp8"


def _has_fp8(request: Request) -> bool:
    device = request.device
    if device is None:
        return True
    if device.family == "cpu":
        return False
    return device.gfx is None or computes_fp8(device.gfx)


def _more_gpus(request: Request) -> Iterator[tuple[str, Any]]:
    most = request.device.count if request.device else 1
    tp = request.settings.tp
    doubled = [tp << power for power in range(1, 7)]
    fitting = [n for n in doubled if n <= most and not indivisible(request.architecture, n)]
    yield from (("tp", n) for n in fitting[:2])


def _other_share(request: Request, fit: Fit) -> Iterator[tuple[str, Any]]:
    device, util = request.device, fit.settings.util or 0
    if device is None or fit.settings.kv_cache_bytes is not None:
        return
    if fit.refused:
        fitting = int(device.free / device.total_bytes * 100) / 100
        if fitting > 0:
            yield "util", fitting
    elif util < _MOST_UTIL:
        yield "util", _MOST_UTIL
