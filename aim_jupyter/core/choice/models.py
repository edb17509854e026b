"""What is known of what a recipe loads: its config, else the catalogue's facts of the model."""

from __future__ import annotations

import functools
import json
from typing import Any

from aim_jupyter import demo
from aim_jupyter.core import fit
from aim_jupyter.core.checkpoint.overrides import overridden
from aim_jupyter.core.fit import Architecture
from aim_jupyter.core.records import Model, Weights

_PLAIN = ("bf16", "fp16", "fp32")
_PACKAGE = "package:"

Config = dict[str, Any]


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


@functools.cache
def _known(repo: str) -> Architecture | None:
    config = fit.look_up(repo)
    found = None if config is None else fit.architecture(config)
    return None if found is None or found.problem else found
