"""What the engine's own log says of its memory.

Regular expressions of facts/vllm.md 1.4 and facts/fit.md 3.7, for releases 0.8 to 0.32. Lines may
carry ANSI colours and a prefix of process, level and time; every rank prints its own, and the
largest figure of all ranks counts, for the KV cache the smallest.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import NamedTuple

from aim_jupyter.core.sizes import GIB

_ANSI = re.compile(r"\x1b\[[0-9;]*m")


class _Pattern(NamedTuple):
    """A line, what its groups are called, their unit, and whether the least of all ranks counts."""

    pattern: re.Pattern[str]
    names: tuple[str, ...]
    units: tuple[float, ...]
    least: bool = False


def _line(pattern: str, *named: tuple[str, float], least: bool = False) -> _Pattern:
    names, units = zip(*named, strict=True)
    return _Pattern(re.compile(pattern), names, units, least)


_N = r"(-?[\d,]+(?:\.\d+)?)"

_PATTERNS = (
    _line(
        rf"Model loading took {_N} (?:GiB|GB)(?: memory)? and {_N} sec",
        ("weights_bytes", GIB),
        ("load_s", 1),
    ),
    _line(rf"Available KV cache memory: {_N} ?GiB", ("available_kv_bytes", GIB), least=True),
    _line(
        rf"KV cache size: {_N} tokens, Maximum concurrency for {_N} tokens per request: {_N}x",
        ("kv_tokens", 1),
        ("context_tokens", 1),
        ("max_concurrency", 1),
        least=True,
    ),
    _line(rf"KV cache size: {_N} tokens", ("kv_tokens", 1), least=True),
    _line(
        rf"Maximum concurrency for {_N} tokens per request: {_N}x",
        ("context_tokens", 1),
        ("max_concurrency", 1),
        least=True,
    ),
    _line(
        rf"(?:Explicitly|Auto) set \({_N}/{_N}\) GiB for KV cache",
        ("available_kv_bytes", GIB),
        ("total_bytes", GIB),
        least=True,
    ),
    _line(rf"{_N} GiB memory was consumed by non-kv usages", ("non_kv_bytes", GIB)),
    _line(rf"Total non KV cache memory: {_N} ?GiB", ("non_kv_bytes", GIB)),
    _line(rf"torch peak memory increase: {_N} ?GiB", ("activation_bytes", GIB)),
    _line(rf"non-torch forward increase memory: {_N} ?GiB", ("runtime_bytes", GIB)),
    _line(rf"Estimated CUDA graph memory: {_N} GiB", ("graph_estimate_bytes", GIB)),
    _line(
        rf"Graph capturing finished in {_N} secs, took {_N} GiB",
        ("capture_s", 1),
        ("graph_bytes", GIB),
    ),
    _line(rf"torch\.compile took {_N} s in total", ("compile_s", 1)),
    _line(
        rf"init engine \(profile, create kv cache, warmup model\) took {_N} s",
        ("init_s", 1),
    ),
    _line(
        rf"Free memory on device.*?\({_N}/{_N} GiB\) on startup",
        ("free_bytes", GIB),
        ("total_bytes", GIB),
    ),
    _line(
        rf"max seq len \({_N}\), \(?{_N} GiB KV cache is needed",
        ("context_tokens", 1),
        ("needed_kv_bytes", GIB),
    ),
    _line(
        rf"larger than the available KV cache memory \({_N} GiB\)",
        ("available_kv_bytes", GIB),
        least=True,
    ),
    _line(rf"estimated maximum model length is {_N}", ("largest_context", 1)),
    _line(
        rf"Auto-fit max_model_len: reduced from {_N} to {_N}",
        ("context_asked", 1),
        ("largest_context", 1),
    ),
)


def read_log(lines: Iterable[str]) -> dict[str, float]:
    """Return the figures that a log gives, by name: bytes, tokens, seconds.

    ``weights_bytes available_kv_bytes kv_tokens max_concurrency context_tokens non_kv_bytes
    activation_bytes runtime_bytes graph_bytes graph_estimate_bytes total_bytes free_bytes
    needed_kv_bytes largest_context load_s compile_s capture_s init_s``; what no line says is
    absent.

    Examples
    --------
    >>> read_log(["INFO 11-23 Available KV cache memory: 1.00 GiB"])
    {'available_kv_bytes': 1073741824.0}
    """
    found: dict[str, float] = {}
    for line in lines:
        for name, value, least in _figures(_ANSI.sub("", line)):
            choose = min if least else max
            found[name] = choose(found[name], value) if name in found else value
    return found


def _figures(line: str) -> Iterable[tuple[str, float, bool]]:
    for pattern, names, units, least in _PATTERNS:
        match = pattern.search(line)
        if match is None:
            continue
        for name, unit, text in zip(names, units, match.groups(), strict=True):
            yield name, float(text.replace(",", "")) * unit, least
