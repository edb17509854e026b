"""Arguments and environment by rule (``rules.toml``), for what nobody has written down."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from msgspec import Struct

from aim_jupyter.core import files
from aim_jupyter.core.checkpoint.outline import Outline
from aim_jupyter.core.devices import kinds
from aim_jupyter.core.sizes import GIB


class Case(Struct, frozen=True, kw_only=True):
    """What a recipe is derived for."""

    outline: Outline
    gpu: str
    precision: str
    tp: int


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule of ``rules.toml``, whose head says what the fields mean."""

    source: str
    gfx: tuple[str, ...] | None = None
    gpu: tuple[str, ...] | None = None
    aiter: bool | None = None
    family: tuple[str, ...] | None = None
    precision: tuple[str, ...] | None = None
    head_dim: tuple[int, ...] | None = None
    tp_above: int = 0
    memory_from_gib: float = 0.0
    moe: bool | None = None
    experts_break: bool | None = None
    args: dict[str, Any] = {}
    env: dict[str, str] = {}

    def holds(self, case: Case) -> bool:
        """Return whether everything that it names holds."""
        kind, model = kinds()[case.gpu], case.outline
        return (
            kind.gfx in (self.gfx or (kind.gfx,))
            and self.aiter in (None, kind.aiter)
            and case.gpu in (self.gpu or (case.gpu,))
            and model.family in (self.family or (model.family,))
            and case.precision in (self.precision or (case.precision,))
            and model.head_dim in (self.head_dim or (model.head_dim,))
            and case.tp > self.tp_above
            and (kind.reported_bytes or 0) >= self.memory_from_gib * GIB
            and self.moe in (None, bool(model.experts))
            and self.experts_break in (None, model.experts_break(case.tp, case.precision))
        )


def apply(case: Case) -> tuple[dict[str, Any], dict[str, str]]:
    """Return arguments and environment for a case; a value of True is a bare switch."""
    args: dict[str, Any] = {}
    env: dict[str, str] = {}
    for rule in _rules():
        if rule.holds(case):
            args |= rule.args
            env |= rule.env
    return {name: None if value is True else value for name, value in args.items()}, env


@functools.cache
def _rules() -> tuple[Rule, ...]:
    return files.table(Path(__file__).with_name("rules.toml"), dict[str, tuple[Rule, ...]])["rule"]
