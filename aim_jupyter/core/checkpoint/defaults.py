"""What a config leaves to the defaults of its class.

``defaults.json`` holds them by model type: whole numbers that are read here and that
the classes of transformers 5 and vLLM 0.32 fill in. It is made by
``tests/core/checkpoint/drivers/defaults.py`` and compared with the installed classes by
``tests/core/checkpoint/test_defaults.py``.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import msgspec

from aim_jupyter.core.checkpoint import keys
from aim_jupyter.core.records.kinds import resolved

Values = dict[str, int]


@functools.cache
def defaults() -> dict[str, Values]:
    """Return the defaults by model type."""
    text = files(__package__).joinpath("defaults.json").read_bytes()
    return msgspec.json.decode(text, type=resolved(dict[str, Values]))


def filled(kind: str, config: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the config of a language model with what it does not say under any name."""
    own = defaults().get(kind)
    if not own:
        return config
    said = {name for group in keys.SAME if any(key in config for key in group) for name in group}
    return {**{name: value for name, value in own.items() if name not in said}, **config}
