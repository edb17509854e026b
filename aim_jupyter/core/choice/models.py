"""What is known of what a recipe loads: its config, else the catalogue's facts of the model."""

from __future__ import annotations

import functools
import json
from typing import Any

from aim_jupyter import demo
from aim_jupyter.core import fit
from aim_jupyter.core.fit import Architecture
from aim_jupyter.core.records import Model, Weights

_PLAIN = ("bf16", "fp16", "fp32")
_PACKAGE = "package:"

Config = dict[str, Any]


def name_of(model: Model, weights: Weights) -> str:
    """Return what starts of these weights are filed under: the checkpoint, where it has a name."""
    return model.name if weights.repo.startswith(_PACKAGE) else weights.repo


def architecture_of(model: Model, weights: Weights) -> Architecture:
    """Return what is known of the model with these weights; its `problem` says what is not."""
    known = _known(weights.repo)
    if known is not None:
        return known
    config = config_for(model, weights)
    if config is None:
        return Architecture(problem=f"weights in {weights.precision} are not known here")
    return fit.architecture(config)


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


@functools.cache
def known_config(repo: str) -> Config | None:
    """Return the config of a checkpoint that the fit knows by name, None for any other."""
    return None if _known(repo) is None else fit.look_up(repo)


@functools.cache
def _known(repo: str) -> Architecture | None:
    config = fit.look_up(repo)
    found = None if config is None else fit.architecture(config)
    return None if found is None or found.problem else found
