"""What ``--hf-overrides`` changes in a config, as vLLM's ``ModelConfig`` does it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any


def overridden(config: Mapping[str, Any], overrides: str | Mapping[str, Any]) -> dict[str, Any]:
    """Return a config with other values, those of nested objects one by one.

    Parameters
    ----------
    overrides : str or mapping
        JSON, or what it says. What is no object changes nothing here: the engine will refuse it.

    Examples
    --------
    >>> overridden({"a": {"b": 1, "c": 2}}, '{"a": {"b": 3}}')
    {'a': {'b': 3, 'c': 2}}
    """
    if isinstance(overrides, str):
        try:
            overrides = json.loads(overrides)
        except ValueError:
            return dict(config)
    return _merged(config, overrides) if isinstance(overrides, Mapping) else dict(config)


def _merged(config: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(config)
    for name, value in changes.items():
        old = found.get(name)
        if isinstance(old, Mapping) and isinstance(value, Mapping):
            found[name] = _merged(old, value)
        else:
            found[name] = value
    return found
