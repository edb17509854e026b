"""The GPUs that recipes are derived for (``hardware.toml``)."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path

import msgspec
from msgspec import Struct

from aim_jupyter.core.records.kinds import resolved

GIB = 1 << 30


class Kind(Struct, frozen=True, kw_only=True):
    """One row of ``hardware.toml``, whose head says what the fields mean."""

    gfx: str
    memory_gib: float
    precisions: tuple[str, ...]
    emulated: tuple[str, ...] = ()
    like: str | None = None
    also: tuple[str, ...] = ()

    @property
    def memory_bytes(self) -> int:
        """Memory of one device."""
        return round(self.memory_gib * GIB)


@functools.cache
def kinds() -> dict[str, Kind]:
    """Return all kinds of GPU by their short name."""
    rows = tomllib.loads(Path(__file__).with_name("hardware.toml").read_text())
    return msgspec.convert(rows, resolved(dict[str, Kind]))


@functools.lru_cache(maxsize=256)
def kind_name(model: str | None) -> str | None:
    """Return the kind that a detected GPU model belongs to, None for one without recipes.

    Examples
    --------
    >>> kind_name("MI250")
    'MI250X'
    """
    for name, kind in kinds().items():
        if model == name or model in kind.also:
            return name
    return None
