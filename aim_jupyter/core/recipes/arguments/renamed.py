"""What engines used to call things (``arguments.toml``)."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from msgspec import Struct

from aim_jupyter.core import files


class Former(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One entry of ``arguments.toml``, whose head says what the fields mean."""

    use: str | None = None
    value: Any = None
    into: str | None = None
    why: str = "gone without a successor"

    def fill(self, value: Any) -> Any:
        """Return what the successor is given for the old value."""
        return value if self.value is None else _filled(self.value, value)


class Contradiction(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Two that can't both be given."""

    keep: str
    why: str
    drop: str | None = None
    drop_variable: str | None = None


class Table(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What ``arguments.toml`` holds."""

    option: dict[str, Former]
    key: dict[str, dict[str, Former]]
    variable: dict[str, Former]
    reserved: dict[str, str]
    effects: dict[str, str]
    contradiction: tuple[Contradiction, ...]


@functools.cache
def table() -> Table:
    """Return what ``arguments.toml`` holds."""
    return files.table(Path(__file__).with_name("arguments.toml"), Table)


def _filled(template: Any, value: Any) -> Any:
    if isinstance(template, dict):
        return {key: _filled(inside, value) for key, inside in template.items()}
    return value if template == "{}" else template
