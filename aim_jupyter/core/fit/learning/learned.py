"""What earlier starts on this site took, and what that says of the next one.

One line of JSON for each start in ``<state>/fit/starts.jsonl``. Any number of processes may add
lines at once; a line that a crash cut short is left out.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from aim_jupyter.core import config
from aim_jupyter.core.files import locked, private_folder, unusable
from aim_jupyter.core.fit.memory.versions import span
from aim_jupyter.core.records.fit import Band, Fit, Settings, Start
from aim_jupyter.core.records.kinds import resolved
from aim_jupyter.core.sizes import GIB

if TYPE_CHECKING:
    from aim_jupyter.core.fit.memory.request import Request

RUN_TO_RUN = 0.1 * GIB  # between two starts with the same settings
OTHER_MODEL = 0.3 * GIB  # what the formula leaves open between models, facts/fit.md 3.3
ENOUGH = 2  # starts of other models, before they move a band
_STAGES = ("download", "boot", "load", "compile", "capture", "ready")


class Lesson(Struct, frozen=True):
    """What earlier starts say: weights and overhead in bytes, None where they say nothing."""

    weights: Band | None = None
    overhead: Band | None = None
    note: str = ""


def store(start: Start) -> None:
    """Add a start to what is known.

    Raises
    ------
    StateUnusable
        If the state directory can't be written.
    """
    path = _path()
    private_folder(path.parent)
    with locked(path.with_suffix(".lock")):
        try:
            _append(path, msgspec.json.encode(start) + b"\n")
        except OSError as error:
            raise unusable(path, error) from error


def history() -> list[Start]:
    """Return all starts, the newest first.

    Raises
    ------
    StateUnusable
        If the file can't be read.
    """
    path = _path()
    try:
        lines = path.read_bytes().splitlines()
    except FileNotFoundError:
        return []
    except OSError as error:
        raise unusable(path, error) from error
    found = []
    for line in lines:
        with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
            found.append(msgspec.json.decode(line, type=resolved(Start)))
    return sorted(found, key=lambda start: start.at, reverse=True)


def outcome(
    fit: Fit,
    facts: Mapping[str, float],
    *,
    at: float,
    started: bool,
    recipe: str = "",
    revision: str | None = None,
    stages: Mapping[str, float] | None = None,
    forced: bool = False,
) -> Start:
    """Return the record of a start: what was predicted, and what its log said.

    Parameters
    ----------
    fit : Fit
        As it stood before the start.
    facts : mapping
        From `read_log`.
    at : float
        Seconds since the epoch (UTC).
    stages : mapping
        Seconds of each stage that was seen.
    """
    weights, kv = facts.get("weights_bytes"), facts.get("available_kv_bytes")
    known = weights is not None and kv is not None and fit.settings.kv_cache_bytes is None
    taken = (fit.budget_bytes or 0) - (weights or 0) - (kv or 0)
    seconds = stages or {}
    return Start(
        at=at,
        model=fit.model,
        recipe=recipe,
        gpu_model=fit.device.model if fit.device else "",
        tp=fit.settings.tp,
        engine=fit.settings.engine_version or "",
        context_tokens=fit.settings.max_model_len,
        verdict=fit.verdict,
        started=started,
        weights_bytes=_whole(weights),
        weights_predicted_bytes=_middle(fit.weights),
        kv_bytes=_whole(kv),
        kv_predicted_bytes=_middle(fit.available),
        overhead_bytes=_whole(taken) if known and fit.budget_bytes else None,
        overhead_predicted_bytes=_middle(fit.overhead),
        revision=revision,
        settings=fit.settings,
        kv_tokens=_whole(facts.get("kv_tokens")),
        graph_bytes=_whole(facts.get("graph_bytes")),
        forced=forced,
        **{f"{stage}_s": seconds.get(stage) for stage in _STAGES},
    )


def lesson(request: Request, settings: Settings, predicted: Band) -> Lesson:
    """Return what earlier starts say of this one.

    A start of the same model with the same settings is believed as it is. Starts of other models
    on the same kind and number of GPUs, with the same release, move the band to where they fell in
    theirs.
    """
    device = request.device
    alike = [
        start
        for start in request.starts
        if device is not None
        and start.gpu_model == device.model
        and start.overhead_bytes is not None
        and _same_engine(start.settings, settings)
    ]
    same = [start for start in alike if _same_start(start, request, settings)]
    return _from_same(same) if same else _from_others(alike, predicted)


def _from_same(starts: Sequence[Start]) -> Lesson:
    weights = [start.weights_bytes for start in starts if start.weights_bytes is not None]
    taken = [start.overhead_bytes for start in starts if start.overhead_bytes is not None]
    return Lesson(
        weights=Band(min(weights), max(weights)) if weights else None,
        overhead=Band(min(taken) - RUN_TO_RUN, max(taken) + RUN_TO_RUN),
        note=f"measured by {_starts(len(starts))} with the same settings",
    )


def _from_others(starts: Sequence[Start], predicted: Band) -> Lesson:
    missed = [
        start.overhead_bytes - start.overhead_predicted_bytes
        for start in starts
        if start.overhead_bytes is not None and start.overhead_predicted_bytes is not None
    ]
    if len(missed) < ENOUGH:
        return Lesson()
    shift = sorted(missed)[len(missed) // 2]
    half = min(predicted.width / 2, (max(missed) - min(missed)) / 2 + OTHER_MODEL)
    middle = predicted.middle + shift
    note = f"moved by {shift / GIB:+.2f} GiB after {_starts(len(missed))} of other models"
    return Lesson(overhead=Band(middle - half, middle + half), note=note)


def _starts(count: int) -> str:
    return f"{count} start{'s' if count > 1 else ''}"


def _same_engine(one: Settings, other: Settings) -> bool:
    keys = ("tp", "pp", "enforce_eager")
    same = all(getattr(one, key) == getattr(other, key) for key in keys)
    return same and span(one.engine_version) == span(other.engine_version)


def _same_start(start: Start, request: Request, settings: Settings) -> bool:
    keys = ("dtype", "kv_dtype", "quantization", "max_num_seqs", "max_num_batched_tokens")
    return (
        start.model == request.model
        and start.revision == request.revision
        and all(getattr(start.settings, key) == getattr(settings, key) for key in keys)
    )


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _middle(band: Band | None) -> int | None:
    return None if band is None else int(band.middle)


def _path() -> Path:
    return config.state_dir() / "fit" / "starts.jsonl"


def _append(path: Path, line: bytes) -> None:
    """Add a line; one that a crash left unfinished is ended first."""
    handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    with os.fdopen(handle, "r+b") as file:
        if file.seek(0, os.SEEK_END) and not _ends_line(file.fileno()):
            line = b"\n" + line
        file.write(line)


def _ends_line(handle: int) -> bool:
    size = os.fstat(handle).st_size
    return os.pread(handle, 1, size - 1) == b"\n"
