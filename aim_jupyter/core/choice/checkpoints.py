"""What a recipe loads: its config, else the catalogue's facts, and weights counted in headers."""

from __future__ import annotations

import functools
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from aim_jupyter import demo
from aim_jupyter.core import cache, fit
from aim_jupyter.core.checkpoint import folder as reading
from aim_jupyter.core.checkpoint.drafting import Drafter, drafter
from aim_jupyter.core.checkpoint.overrides import overridden
from aim_jupyter.core.errors import AimError
from aim_jupyter.core.fit import Architecture, Tensor
from aim_jupyter.core.records import Model, Weights
from aim_jupyter.core.records.fit import Band, Settings, Speculation

_PLAIN = ("bf16", "fp16", "fp32")
_PACKAGE = "package:"
ON_DISK = "counted in the files on disk"
ON_HUB = "counted in the headers on the Hub"

Config = dict[str, Any]
Counted = tuple[Band, str]
"""Bytes that one GPU loads, and where they were counted."""


def name_of(model: Model, weights: Weights) -> str:
    """Return what starts of these weights are filed under: the checkpoint, where it has a name."""
    return model.name if weights.repo.startswith(_PACKAGE) else weights.repo


def architecture_of(model: Model, weights: Weights, overrides: str = "") -> Architecture:
    """Return what is known of the model with these weights; its `problem` says what is not.

    Parameters
    ----------
    overrides : str
        The value of ``--hf-overrides``, empty for none.
    """
    known = _known(weights.repo) if model.file else None
    if known is not None and not overrides:
        return known
    config = loaded(model, weights, overrides)
    if config is None:
        return Architecture(problem=f"weights in {weights.precision} are not known here")
    return fit.architecture(config)


def loaded(model: Model, weights: Weights, overrides: str = "") -> Config | None:
    """Return the config that the engine would load these weights with, None for no telling."""
    # A model that nobody has written down brings a whole config: a folder may be called anything.
    known = model.file and _known(weights.repo) is not None
    config = fit.look_up(weights.repo) if known else config_for(model, weights)
    return overridden(config, overrides) if config and overrides else config


def config_for(model: Model, weights: Weights) -> Config | None:
    """Return the config of these weights, None where there is no telling how they are stored."""
    if weights.repo.startswith(_PACKAGE):
        config: Config = json.loads((demo.FOLDER / "config.json").read_bytes())
        return config
    facts = model.facts
    own = weights.repo == model.name and "quantization_config" in facts
    if own or (weights.precision in _PLAIN and "quantization_config" not in facts):
        return facts
    return fit.quantized(facts, weights.precision)


def drafting_for(model: Architecture, asked: Speculation | None) -> Drafter | None:
    """Return what is loaded beside a model to draft for it."""
    return None if asked is None else drafter(asked, model, config_at(asked.model))


def config_at(repo: str) -> Config | None:
    """Return the config of a checkpoint by its name alone: as it lies on disk, else as is known."""
    place = folder(repo, None) if repo else None
    try:
        return reading.read(place) if place else fit.look_up(repo)
    except (OSError, ValueError):
        return None


@functools.cache
def _known(repo: str) -> Architecture | None:
    config = fit.look_up(repo)
    found = None if config is None else fit.architecture(config)
    return None if found is None or found.problem else found


def weights(
    repo: str,
    revision: str | None,
    model: Architecture,
    settings: Settings,
    *,
    online: bool = False,
) -> Counted | None:
    """Return what one GPU loads of a checkpoint; None where that can't be counted.

    Parameters
    ----------
    repo : str
        A repository of the Hub, a folder, or ``package:demo``.
    online : bool
        Whether the Hub may be asked for what is not on disk.
    """
    if model.problem or settings.quantization:
        return None
    place = folder(repo, revision)
    try:
        if place is not None:
            found = _on_disk(place, place.stat().st_mtime_ns)
            return _band(found, model, settings), ON_DISK
        if online and "/" in repo:
            return _band(_on_hub(repo, revision), model, settings), ON_HUB
    except (AimError, OSError):
        return None  # the config's own count is there, and says that it is modelled
    return None


def folder(repo: str, revision: str | None) -> Path | None:
    """Return where all files of a checkpoint lie, None where they do not."""
    if repo.startswith(_PACKAGE):
        return demo.FOLDER
    if repo.startswith(("/", "./", "../", "~")):
        return Path(repo).expanduser()
    located = cache.locate(repo, revision)
    return Path(located.path) if located.complete and located.path else None


def _band(found: Sequence[Tensor], model: Architecture, settings: Settings) -> Band:
    its = settings
    exact = fit.weights_from_headers(found, model, its.tp, its.pp, its.dtype, dp=its.dp)
    return Band(exact.bytes_per_gpu, exact.bytes_per_gpu)


@functools.lru_cache(maxsize=64)
def _on_disk(place: Path, changed_ns: int) -> tuple[Tensor, ...]:
    del changed_ns  # a folder that was written to since is another one
    return tuple(fit.tensors(place))


@functools.lru_cache(maxsize=64)
def _on_hub(repo: str, revision: str | None) -> tuple[Tensor, ...]:
    entries = cache.fetch_headers(repo, revision)
    return tuple(fit.tensor(each.name, each.dtype, each.shape, repo) for each in entries)
