"""The sum of the fit alone, for a question that no launch could ask: tests and benchmarks need it.

A measured start names its numbers, not a recipe; here they are put into the fit as they are.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import structs

from aim_jupyter.core import fit
from aim_jupyter.core.checkpoint.architecture import Architecture, architecture
from aim_jupyter.core.checkpoint.models import config_of
from aim_jupyter.core.checkpoint.overrides import overridden
from aim_jupyter.core.errors import AimError, ModelMissing, UnknownName
from aim_jupyter.core.fit.answer import Answer, Parameters, described, parsed, read
from aim_jupyter.core.fit.memory.headers import tensors, weights_from_headers
from aim_jupyter.core.fit.memory.request import Request, indivisible
from aim_jupyter.core.records.fit import Band, Device, Settings
from aim_jupyter.core.sizes import GIB


def answer(parameters: Mapping[str, Any]) -> Answer:
    """Return the verdict on what `parameters` describe, as JSON has it; see `fit.answer`.

    Raises
    ------
    BadUsage
        If a parameter is unknown or of the wrong kind.
    UnknownName
        If the machine is not known.
    """
    asked = parsed(parameters)
    try:
        request = _weighed(asked, _request(asked, _architecture(asked)))
    except (UnknownName, ModelMissing) as error:
        request = _request(asked, Architecture(problem=error.found))
    found = fit.longest(request) if asked.max_model_len == "auto" else request
    return fit.as_json(fit.verdict(found))


def answers(lines: Iterable[str | bytes]) -> Iterator[Answer]:
    """Yield an answer for each line of JSON; one that can't be had says why."""
    for line in filter(str.strip, map(_text, lines)):
        try:
            yield answer(msgspec.json.decode(line, type=dict[str, Any]))
        except (AimError, msgspec.DecodeError, UnicodeDecodeError) as error:
            yield {"verdict": "unknown", "reason": str(error)}


def _architecture(asked: Parameters) -> Architecture:
    return architecture(overridden(_config(asked), asked.hf_overrides or {}))


def _config(asked: Parameters) -> Mapping[str, Any]:
    if isinstance(asked.config, dict):
        return asked.config
    if asked.config is not None:
        return read(asked.config)
    folder = Path(asked.model).expanduser()
    if asked.model and (folder / "config.json").is_file():
        return read(folder)
    return config_of(asked.model)


def _request(asked: Parameters, model: Architecture) -> Request:
    left = asked.available_kv_gib
    return Request(
        model=asked.model,
        architecture=model,
        device=_device(asked),
        settings=_settings(asked),
        available=None if left is None else Band(left * GIB, left * GIB),
        starts=asked.starts,
    )


def _weighed(asked: Parameters, request: Request) -> Request:
    """Return the question with its weights, where more is known of them than the config says."""
    if asked.weights_gib is not None:
        given = Band(asked.weights_gib * GIB, asked.weights_gib * GIB)
        return structs.replace(request, weights=given, basis="given")
    model, its = request.architecture, request.settings
    folder = Path(asked.model).expanduser()
    if asked.quantization or not asked.model or model.problem or indivisible(model, its.tp):
        return request
    if not any(folder.glob("*.safetensors")):
        return request
    exact = weights_from_headers(tensors(folder), model, its.tp, its.pp, its.dtype)
    weights = Band(exact.bytes_per_gpu, exact.bytes_per_gpu)
    counted = "counted in the files on disk"
    return structs.replace(request, weights=weights, basis="exact", counted=counted)


def _settings(asked: Parameters) -> Settings:
    fixed = asked.kv_cache_gib
    return Settings(
        tp=asked.tp or 1,
        pp=asked.pp or 1,
        dtype=asked.dtype or "auto",
        kv_dtype=asked.kv_dtype or "auto",
        util=asked.util,
        max_model_len=None if asked.max_model_len == "auto" else asked.max_model_len,
        max_num_seqs=asked.max_num_seqs,
        max_num_batched_tokens=asked.max_num_batched_tokens,
        kv_cache_bytes=None if fixed is None else int(fixed * GIB),
        block_size=asked.block_size,
        users=asked.users or 1,
        quantization=asked.quantization,
        enforce_eager=asked.enforce_eager,
        prefix_caching=asked.prefix_caching,
        engine_version=asked.engine_version,
    )


def _device(asked: Parameters) -> Device | None:
    machine = asked.machine
    if machine is None:
        return None
    found = fit.device(machine) if isinstance(machine, str) else described(machine)
    if asked.free_gib is None:
        return found
    return structs.replace(found, free_bytes=int(asked.free_gib * GIB))


def _text(line: str | bytes) -> str:
    return line if isinstance(line, str) else line.decode("utf-8", "replace")
