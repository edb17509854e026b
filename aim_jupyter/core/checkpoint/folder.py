"""The config of a folder, as the engine reads it: ``config.json``, or Mistral's own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from aim_jupyter.core.checkpoint import abilities, mistral
from aim_jupyter.core.checkpoint.abilities import BESIDE
from aim_jupyter.core.checkpoint.quantization import beside
from aim_jupyter.core.files import MOST_CONFIG, read_bounded

_QUANTIZATION = "hf_quant_config.json"


def read(folder: Path) -> dict[str, Any]:
    """Return the config of a checkpoint, and what files beside it say.

    Published configs hold ``Infinity``, which is no JSON and which transformers reads.

    Raises
    ------
    OSError, ValueError
        If it can't be read, or holds no object.
    """
    if is_mistral(folder):
        config = mistral.adapted(parsed(folder / mistral.CONFIG))
        # Its tokenizer writes the chat itself, and needs no template.
        return {**config, mistral.ARGS: mistral.arguments(folder)}
    config = {**parsed(folder / "config.json"), BESIDE: abilities.beside(folder)}
    other = folder / _QUANTIZATION
    if "quantization_config" in config or not other.is_file():
        return config
    return dict(beside(config, parsed(other)))


def is_mistral(folder: Path) -> bool:
    """Whether a folder holds a checkpoint in Mistral's own format alone."""
    return (folder / mistral.CONFIG).is_file() and not (folder / "config.json").is_file()


def has_config(folder: Path) -> bool:
    """Whether a folder says what model it holds."""
    return (folder / "config.json").is_file() or is_mistral(folder)


def parsed(file: Path) -> dict[str, Any]:
    """Return the object in a file.

    Raises
    ------
    OSError, ValueError
        If it can't be read, or holds none.
    """
    try:
        found = json.loads(read_bounded(file, MOST_CONFIG))
    except RecursionError as error:
        raise ValueError(f"{file.name} is nested too deeply") from error
    if not isinstance(found, Mapping):
        raise ValueError(f"{file.name} holds no object")  # noqa: TRY004  of the file, not of ours
    return dict(found)
