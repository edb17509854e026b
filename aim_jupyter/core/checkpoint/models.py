"""The models whose ``config.json`` is known without asking anybody.

``models.json`` holds what counts of each config: the architecture numbers of facts/fit.md 3.6 and
facts/recipes.md section 4, and of every model with a measured start.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from aim_jupyter.core import files
from aim_jupyter.core.errors import UnknownName
from aim_jupyter.core.records.kinds import resolved

Config = dict[str, Any]

# Words of a name that change no shape.
_TUNING = frozenset({"instruct", "base", "chat", "thinking", "reasoning", "it", "pt", "hf"})


class _Variant(Struct, frozen=True, forbid_unknown_fields=True):
    ends: tuple[str, ...]
    config: Config


def known() -> list[str]:
    """Return the names of the known models."""
    return list(_configs())


def config_of(model: str) -> Config:
    """Return the ``config.json`` of a model, as far as memory depends on it.

    A name that differs from a known one only in who published it, in what it was tuned for, or in
    how its weights are quantized, is that model with those weights.

    Parameters
    ----------
    model : str
        Such as ``Qwen/Qwen3-32B``, ``Qwen/Qwen3-32B-FP8`` or
        ``RedHatAI/Llama-3.3-70B-Instruct-FP8-dynamic``.

    Raises
    ------
    UnknownName
        If it is not known.
    """
    found = look_up(model)
    if found is None:
        raise UnknownName("model with known facts", model, known(), "give its config.json")
    return found


def look_up(model: str) -> Config | None:
    """Do what `config_of` says, but return None for what is not known."""
    name = _plain(model)
    config = _configs().get(model) or _found(name)
    if config is not None:
        return config
    for end, quantization in _endings():
        stem = name.removesuffix(f"-{end}")
        base = _found(stem) if stem != name else None
        if base is not None:
            return _quantized(base, quantization)
    return None


def quantized(config: Mapping[str, Any], precision: str) -> Config | None:
    """Return the config of the same model with its weights in another precision.

    None for a precision that no checkpoint's name ends in.

    Examples
    --------
    >>> quantized({"model_type": "llama"}, "fp8")["quantization_config"]["quant_method"]
    'fp8'
    """
    found = next((how for end, how in _endings() if end == precision), None)
    return None if found is None else _quantized(config, found)


def _found(name: str) -> Config | None:
    """Return the config of a plain name, or the one config of all that are tuned otherwise."""
    exact = _by_name().get(name)
    kin = _by_kin().get(_untuned(name), [])
    alike = kin and all(config == kin[0] for config in kin)
    return exact or (kin[0] if alike else None)


def _quantized(config: Mapping[str, Any], quantization: Config) -> Config:
    kept = {name: value for name, value in config.items() if name != "quantization_config"}
    return {**kept, "quantization_config": quantization} if quantization else kept


@functools.cache
def _configs() -> dict[str, Config]:
    content = Path(__file__).with_name("models.json").read_bytes()
    return msgspec.json.decode(content, type=resolved(dict[str, Config]))


@functools.cache
def _by_name() -> dict[str, Config]:
    """Return the configs by what remains of the names without the publisher."""
    return {_plain(name): config for name, config in _configs().items()}


@functools.cache
def _by_kin() -> dict[str, list[Config]]:
    """Return the configs by what remains of the names without what they were tuned for."""
    kin: dict[str, list[Config]] = {}
    for name, config in _by_name().items():
        kin.setdefault(_untuned(name), []).append(config)
    return kin


@functools.cache
def _endings() -> list[tuple[str, Config]]:
    table = files.table(Path(__file__).with_name("variants.toml"), dict[str, list[_Variant]])
    pairs = [(end, each.config) for each in table["variant"] for end in each.ends]
    return sorted(pairs, key=lambda pair: len(pair[0]), reverse=True)


def _plain(model: str) -> str:
    """Return a name without publisher, in lower case, with hyphens alone."""
    name = re.sub(r"[._\s]+", "-", model.rpartition("/")[2].casefold())
    return name.removeprefix("meta-") if name.startswith("meta-llama") else name


def _untuned(name: str) -> str:
    return "-".join(part for part in name.split("-") if part not in _TUNING)
