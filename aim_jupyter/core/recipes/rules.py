"""Arguments and environment by rule (``rules.toml``), for what nobody has written down."""

from __future__ import annotations

import functools
import tomllib
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from aim_jupyter.core.recipes.architecture import Architecture
from aim_jupyter.core.recipes.hardware import kinds
from aim_jupyter.core.records.kinds import resolved


class Case(Struct, frozen=True, kw_only=True):
    """What a recipe is derived for."""

    architecture: Architecture
    gpu: str
    precision: str
    tp: int


class Rule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule of ``rules.toml``, whose head says what the fields mean."""

    source: str
    gfx: tuple[str, ...] | None = None
    gpu: tuple[str, ...] | None = None
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
        kind, model = kinds()[case.gpu], case.architecture
        return (
            kind.gfx in (self.gfx or (kind.gfx,))
            and case.gpu in (self.gpu or (case.gpu,))
            and model.family in (self.family or (model.family,))
            and case.precision in (self.precision or (case.precision,))
            and model.head_dim in (self.head_dim or (model.head_dim,))
            and case.tp > self.tp_above
            and kind.memory_gib >= self.memory_from_gib
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
    table = tomllib.loads(Path(__file__).with_name("rules.toml").read_text())
    return tuple(msgspec.convert(table["rule"], resolved(list[Rule])))
