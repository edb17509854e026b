"""A question as people describe it, and its answer as plain JSON: those of ``aim-engine fit``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct

from aim_jupyter.core.checkpoint import folder
from aim_jupyter.core.errors import BadUsage, ModelMissing
from aim_jupyter.core.records.fit import Band, Device, Family, Fit, Start
from aim_jupyter.core.records.kinds import resolved
from aim_jupyter.core.sizes import GIB

Answer = dict[str, Any]

MOST_GIB = 2**20  # of one GPU
_COUNTS = (
    "tp",
    "pp",
    "users",
    "block_size",
    "max_model_len",
    "max_num_seqs",
    "max_num_batched_tokens",
)
_SIZES = ("weights_gib", "kv_cache_gib", "free_gib", "available_kv_gib")


class Described(Struct, frozen=True, forbid_unknown_fields=True):
    """GPUs that are described instead of named; sizes in GiB, or in bytes as `Device` has them."""

    model: str
    family: Family = "rocm"
    total_gib: float | None = None
    total_bytes: int | None = None
    free_gib: float | None = None
    free_bytes: int | None = None
    gfx: str | None = None
    count: int = 1
    bf16: bool | None = None


class Parameters(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The options of ``aim-engine fit``, under their names without dashes; None is left to us.

    Attributes
    ----------
    model : str
        A name, a repository or a folder.
    config : dict or str
        A ``config.json`` or its path, instead.
    machine : str or Described
        Such as ``mi300x:8``; None is this one.
    max_model_len : int or "auto"
        ``context`` is another name of it; ``auto`` is the longest that the users have room for.
    weights_gib, available_kv_gib : float
        Of one GPU, where they are known.
    kv_cache_gib : float
        A KV cache of fixed size.
    free_gib : float
        Of the fullest GPU.
    exact : bool
        Ask the engine's own code; None where our own sum is unknown, and never where false.
    """

    model: str = ""
    config: dict[str, Any] | str | None = None
    machine: str | Described | None = None
    recipe: str | None = None
    tp: int | None = None
    pp: int | None = None
    dtype: str | None = None
    kv_dtype: str | None = None
    util: float | None = None
    max_model_len: int | Literal["auto"] | None = None
    max_num_seqs: int | None = None
    max_num_batched_tokens: int | None = None
    engine_version: str | None = None
    weights_gib: float | None = None
    available_kv_gib: float | None = None
    kv_cache_gib: float | None = None
    free_gib: float | None = None
    users: int | None = None
    quantization: str | None = None
    enforce_eager: bool = False
    block_size: int | None = None
    prefix_caching: bool | None = None
    hf_overrides: dict[str, Any] | str | None = None
    exact: bool | None = None
    starts: tuple[Start, ...] = ()


def parsed(parameters: Mapping[str, Any]) -> Parameters:
    """Return what a mapping asks; dashes count as underscores, and numbers may be texts.

    Raises
    ------
    BadUsage
        If a parameter is unknown or of the wrong kind.
    """
    named = {name.replace("-", "_"): value for name, value in parameters.items()}
    if "context" in named:
        named = {"max_model_len": named.pop("context"), **named}
    if isinstance(named.get("machine"), Device):
        named["machine"] = msgspec.to_builtins(named["machine"])
    try:
        asked = msgspec.convert(named, resolved(Parameters), strict=False)
    except msgspec.ValidationError as error:
        raise BadUsage(f"That can't be asked: {error}.", "%aim help fit") from error
    for name in _COUNTS:
        value = getattr(asked, name)
        if isinstance(value, int) and value < 1:
            raise BadUsage(f"{name} is {value}.", f"give {name} as 1 or more")
    for name in _SIZES:
        value = getattr(asked, name)
        if value is not None and not abs(value) < MOST_GIB:
            raise BadUsage(f"{name} is {value}.", f"give {name} in GiB")
    if asked.util is not None and not 0 < asked.util <= 1:
        raise BadUsage(f"util is {asked.util}.", "give util as a share, such as 0.92")
    return asked


def read(name: str | Path) -> Mapping[str, Any]:
    """Return what a ``config.json`` holds, which may be named by its folder.

    Raises
    ------
    ModelMissing
        If it can't be read.
    """
    path = Path(name).expanduser()
    try:
        return folder.read(path) if path.is_dir() else folder.parsed(path)
    except (OSError, ValueError) as error:
        raise ModelMissing(f"{path} can't be read: {error}.", "check the path") from error


def described(machine: Described) -> Device:
    """Return the GPUs that are described.

    Raises
    ------
    BadUsage
        If their memory is not said.
    """
    total = _bytes(machine.total_gib, machine.total_bytes)
    if total is None or not 0 < total < MOST_GIB * GIB:
        raise BadUsage(f"The memory of {machine.model} is not said.", "give total_gib")
    return Device(
        model=machine.model,
        family=machine.family,
        total_bytes=total,
        free_bytes=_bytes(machine.free_gib, machine.free_bytes),
        gfx=machine.gfx,
        count=machine.count,
        bf16=machine.bf16,
    )


def _bytes(gib: float | None, given: int | None) -> int | None:
    return given if gib is None or not math.isfinite(gib) else int(gib * GIB)


def as_json(fit: Fit) -> Answer:
    """Return a fit with memory in GiB of one GPU, as JSON has it."""
    weights = None if fit.weights is None else _gib(fit.weights.low)
    return {
        "model": fit.model,
        "verdict": fit.verdict,
        "reason": fit.reason,
        "notes": list(fit.notes),
        "weights_gib_per_gpu": weights,
        "weights_gib_per_gpu_band": _gibs(fit.weights),
        "overhead_gib": _gibs(fit.overhead),
        "kv_bytes_per_token_per_gpu": fit.kv_token_bytes,
        "available_kv_gib": _gibs(fit.available),
        "needed_kv_gib": _gibs(fit.need),
        "spare_kv_gib": _gibs(fit.spare),
        "kv_tokens": None if fit.kv_tokens is None else [int(end) for end in _pair(fit.kv_tokens)],
        "max_concurrency": None
        if fit.concurrency is None
        else [round(end, 4) for end in _pair(fit.concurrency)],
        "largest_context": fit.largest_context,
        "context_limit": fit.context_limit,
        "refused": fit.refused,
        "terms": [
            {
                "name": term.name,
                "gib": [_gib(term.low_bytes), _gib(term.high_bytes)],
                "basis": term.basis,
                "note": term.note,
            }
            for term in fit.terms
        ],
        "counter_offers": [
            {
                "option": offer.option,
                "setting": offer.setting,
                "value": offer.value,
                "verdict": offer.verdict,
                "spare_kv_gib": _gib(offer.spare_bytes),
                "reason": offer.reason,
            }
            for offer in fit.offers
        ],
        "settings": msgspec.to_builtins(fit.settings),
        "device": msgspec.to_builtins(fit.device),
    }


def _gib(value: float) -> float:
    return round(value / GIB, 4)


def _pair(band: Band) -> tuple[float, float]:
    return band.low, band.high


def _gibs(band: Band | None) -> list[float] | None:
    return None if band is None else [_gib(band.low), _gib(band.high)]
