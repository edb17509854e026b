"""What the lines of a log say by their form, whatever engine wrote them (``signs.toml``)."""

from __future__ import annotations

import functools
import re
from pathlib import Path
from typing import Literal

from aim_jupyter.core import files
from aim_jupyter.core.adapters.rules import compiled

Sign = Literal["fatal", "deaths", "echoes", "harmless", "errors", "ending", "guesses"]


def shows(sign: Sign, text: str) -> bool:
    """Whether a line without its heads is of that kind."""
    return found(sign, text) is not None


def found(sign: Sign, text: str) -> re.Match[str] | None:
    """Return where a line without its heads says something of that kind."""
    return compiled(_patterns()[sign]).search(text)


@functools.cache
def _patterns() -> dict[str, str]:
    table = files.table(Path(__file__).with_name("signs.toml"), dict[str, tuple[str, ...]])
    return {name: "|".join(_alone(pattern) for pattern in found) for name, found in table.items()}


def _alone(pattern: str) -> str:
    # A flag counts for the whole of a pattern: here it shall count for its own alone.
    return f"(?i:{pattern[4:]})" if pattern.startswith("(?i)") else f"(?:{pattern})"
