"""The JSON Schema of recipe files, from the types that read them.

``python -m aim_jupyter.core.recipes.files.schema > recipes/schema.json`` writes the published
one. An editor checks a file against it that begins with::

    # yaml-language-server: $schema=https://…/recipes/schema.json
"""

from __future__ import annotations

import inspect
import json
import sys
from typing import Any

import msgspec

from aim_jupyter.core.recipes.files.format import ModelFile


def schema() -> dict[str, Any]:
    """Return the schema of one recipe file."""
    types: dict[str, Any] = _described(msgspec.json.schema(ModelFile))
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "aim_jupyter recipe file",
        **types,
    }


def _described(part: Any) -> Any:
    """Return `part` with descriptions as Python reads docstrings: msgspec dedents since 0.23."""
    if isinstance(part, list):
        return [_described(one) for one in part]
    if not isinstance(part, dict):
        return part
    return {
        key: inspect.cleandoc(value)
        if key == "description" and isinstance(value, str)
        else _described(value)
        for key, value in part.items()
    }


def text() -> str:
    """Return the schema as it is published."""
    return json.dumps(schema(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())
