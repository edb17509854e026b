"""Question and answer as plain JSON: what ``aim-engine fit --json`` and ``--batch`` speak."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
from msgspec import Struct, field, structs

from aim_jupyter.core.errors import AimError, BadUsage, ModelMissing, UnknownName
from aim_jupyter.core.files import UNREADABLE
from aim_jupyter.core.fit.architecture import Architecture, architecture
from aim_jupyter.core.fit.context import longest
from aim_jupyter.core.fit.devices import device
from aim_jupyter.core.fit.headers import tensors, weights_from_headers
from aim_jupyter.core.fit.models import config_of
from aim_jupyter.core.fit.request import Request, indivisible
from aim_jupyter.core.fit.verdict import verdict
from aim_jupyter.core.fit.weights import GIB
from aim_jupyter.core.records.fit import Band, Device, Family, Fit, Settings, Start
from aim_jupyter.core.records.kinds import resolved

Answer = dict[str, Any]
Counted = Callable[[Architecture, Settings], tuple[Band, str] | None]
"""Returns the bytes that a GPU loads and where they were counted, None where they can't be."""

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


class _Machine(Struct, frozen=True, forbid_unknown_fields=True):
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


class _Parameters(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The options of ``aim-engine fit``, under their names without dashes."""

    model: str = ""
    config: dict[str, Any] | str | None = None
    machine: str | _Machine | None = None
    tp: int = 1
    pp: int = 1
    dtype: str = "auto"
    kv_dtype: str = "auto"
    util: float | None = None
    max_model_len: int | Literal["auto"] | None = None
    max_num_seqs: int | None = None
    max_num_batched_tokens: int | None = None
    engine_version: str | None = None
    weights_gib: float | None = None
    available_kv_gib: float | None = None
    kv_cache_gib: float | None = None
    free_gib: float | None = None
    users: int = 1
    quantization: str | None = None
    enforce_eager: bool = False
    block_size: int | None = None
    starts: tuple[Start, ...] = field(default=())


def answer(parameters: Mapping[str, Any]) -> Answer:
    """Return the verdict on what `parameters` describe, as JSON has it.

    Parameters
    ----------
    parameters : mapping
        ``model`` (a known name, or a folder with ``config.json``), or ``config`` (a ``config.json``
        or its path); ``machine`` (``"mi300x:1"``, or an object with `model`, `total_gib`, `family`,
        `free_gib`, `gfx`, `count`, `bf16`, or a `Device`); ``tp pp dtype kv_dtype util
        max_model_len max_num_seqs max_num_batched_tokens engine_version users quantization
        enforce_eager block_size``; ``weights_gib`` and ``available_kv_gib`` where they are known
        per GPU; ``kv_cache_gib`` for a KV cache of fixed size; ``free_gib`` of the fullest GPU.
        Dashes count as underscores, and ``max_model_len`` may be ``"auto"``: the longest that the
        users have room for.

    Returns
    -------
    dict
        ``verdict reason weights_gib_per_gpu kv_bytes_per_token_per_gpu available_kv_gib kv_tokens
        max_concurrency largest_context terms counter_offers`` and more; pairs are [low, high], and
        what can't be told is null.

    Raises
    ------
    BadUsage
        If a parameter is unknown or of the wrong kind.
    UnknownName
        If the machine is not known.
    """
    return as_json(ask(parameters))


def ask(parameters: Mapping[str, Any], counted: Counted | None = None) -> Fit:
    """Do what `answer` says, and return the verdict as a record.

    Parameters
    ----------
    counted : callable, optional
        Counts the weights of a checkpoint that is no folder.
    """
    asked = _parsed(parameters)
    try:
        request = _weighed(asked, _request(asked, _architecture(asked)), counted)
    except (UnknownName, ModelMissing) as error:
        request = _request(asked, Architecture(problem=error.found))
    return verdict(longest(request) if asked.max_model_len == "auto" else request)


def answers(lines: Iterable[str | bytes]) -> Iterator[Answer]:
    """Yield an answer for each line of JSON; one that can't be had says why."""
    for line in filter(str.strip, map(_text, lines)):
        try:
            yield answer(msgspec.json.decode(line, type=dict[str, Any]))
        except (AimError, msgspec.DecodeError, UnicodeDecodeError) as error:
            yield {"verdict": "unknown", "reason": str(error)}


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


def _parsed(parameters: Mapping[str, Any]) -> _Parameters:
    named = {name.replace("-", "_"): value for name, value in parameters.items()}
    if isinstance(named.get("machine"), Device):
        named["machine"] = msgspec.to_builtins(named["machine"])
    try:
        asked = msgspec.convert(named, resolved(_Parameters), strict=False)
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


def _architecture(asked: _Parameters) -> Architecture:
    if isinstance(asked.config, dict):
        return architecture(asked.config)
    if asked.config is not None:
        return architecture(_read(Path(asked.config).expanduser()))
    folder = Path(asked.model).expanduser()
    if asked.model and (folder / "config.json").is_file():
        return architecture(_read(folder / "config.json"))
    return architecture(config_of(asked.model))


def _read(path: Path) -> Any:
    path = path / "config.json" if path.is_dir() else path
    try:
        return msgspec.json.decode(path.read_bytes())
    except UNREADABLE as error:
        raise ModelMissing(f"{path} can't be read: {error}.", "check the path") from error


def _request(asked: _Parameters, model: Architecture) -> Request:
    left = asked.available_kv_gib
    return Request(
        model=asked.model,
        architecture=model,
        device=_device(asked),
        settings=_settings(asked),
        available=None if left is None else Band(left * GIB, left * GIB),
        starts=asked.starts,
    )


def _weighed(asked: _Parameters, request: Request, counted: Counted | None) -> Request:
    """Return the question with its weights, where more is known of them than the config says."""
    if asked.weights_gib is not None:
        given = Band(asked.weights_gib * GIB, asked.weights_gib * GIB)
        return structs.replace(request, weights=given, basis="given")
    model = request.architecture
    if asked.quantization or not asked.model or model.problem or indivisible(model, asked.tp):
        return request
    found = (counted or _in_folder(asked.model))(model, request.settings)
    if found is None:
        return request
    return structs.replace(request, weights=found[0], basis="exact", counted=found[1])


def _in_folder(name: str) -> Counted:
    """Return what counts the weights of a folder."""

    def counted(model: Architecture, its: Settings) -> tuple[Band, str] | None:
        folder = Path(name).expanduser()
        if not any(folder.glob("*.safetensors")):
            return None
        exact = weights_from_headers(tensors(folder), model, its.tp, its.pp, its.dtype)
        return Band(exact.bytes_per_gpu, exact.bytes_per_gpu), "counted in the files on disk"

    return counted


def _settings(asked: _Parameters) -> Settings:
    fixed = asked.kv_cache_gib
    return Settings(
        tp=asked.tp,
        pp=asked.pp,
        dtype=asked.dtype,
        kv_dtype=asked.kv_dtype,
        util=asked.util,
        max_model_len=None if asked.max_model_len == "auto" else asked.max_model_len,
        max_num_seqs=asked.max_num_seqs,
        max_num_batched_tokens=asked.max_num_batched_tokens,
        kv_cache_bytes=None if fixed is None else int(fixed * GIB),
        block_size=asked.block_size,
        users=asked.users,
        quantization=asked.quantization,
        enforce_eager=asked.enforce_eager,
        engine_version=asked.engine_version,
    )


def _device(asked: _Parameters) -> Device | None:
    machine = asked.machine
    if machine is None:
        return None
    found = device(machine) if isinstance(machine, str) else _described(machine)
    if asked.free_gib is None:
        return found
    return msgspec.structs.replace(found, free_bytes=int(asked.free_gib * GIB))


def _described(machine: _Machine) -> Device:
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


def _text(line: str | bytes) -> str:
    return line if isinstance(line, str) else line.decode("utf-8", "replace")


def _gib(value: float) -> float:
    return round(value / GIB, 4)


def _pair(band: Band) -> tuple[float, float]:
    return band.low, band.high


def _gibs(band: Band | None) -> list[float] | None:
    return None if band is None else [_gib(band.low), _gib(band.high)]
