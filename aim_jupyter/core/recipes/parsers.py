"""What finds calls of tools, and thinking, in the answers of a family (``parsers.toml``)."""

from __future__ import annotations

import functools
from pathlib import Path

from msgspec import Struct

from aim_jupyter.core import files


class Family(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One row of ``parsers.toml``, whose head says what the fields mean."""

    model_type: tuple[str, ...]
    tools: str
    thinking: str = ""


def options(model_type: str) -> dict[str, str | None]:
    """Return vLLM's options for a family: without them, who offers tools is refused.

    Parameters
    ----------
    model_type : str
        As ``config.json`` has it, of the text model where there are several.

    Examples
    --------
    >>> options("qwen3")
    {'tool-call-parser': 'hermes', 'enable-auto-tool-choice': None}
    >>> options("bert")
    {}
    """
    family = _families().get(model_type)
    if family is None:
        return {}
    thinking = {"reasoning-parser": family.thinking} if family.thinking else {}
    return {**thinking, "tool-call-parser": family.tools, "enable-auto-tool-choice": None}


@functools.cache
def _families() -> dict[str, Family]:
    table = Path(__file__).with_name("parsers.toml")
    rows = files.table(table, dict[str, tuple[Family, ...]])["family"]
    return {name: row for row in rows for name in row.model_type}
