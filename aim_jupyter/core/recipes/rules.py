"""Arguments and environment by rule (``rules.toml``), for what nobody has written down."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

from msgspec import Struct

from aim_jupyter.core import files
from aim_jupyter.core.checkpoint.outline import Outline
from aim_jupyter.core.devices import Device
from aim_jupyter.core.sizes import GIB


class Case(Struct, frozen=True, kw_only=True):
    """What a recipe is derived for."""

    outline: Outline
    gpu: Device
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
        return self.is_for(case.gpu) and self._suits(case)

    def is_for(self, gpu: Device) -> bool:
        """Return whether it may hold on a kind of GPU."""
        return (
            gpu.gfx in (self.gfx or (gpu.gfx,))
            and self.aiter in (None, gpu.aiter)
            and gpu.model in (self.gpu or (gpu.model,))
            and (not self.memory_from_gib or self._is_large(gpu))
        )

    def _is_large(self, gpu: Device) -> bool:
        return (gpu.reported_bytes or 0) >= self.memory_from_gib * GIB

    def _suits(self, case: Case) -> bool:
        model = case.outline
        broken = self.experts_break
        return (
            model.family in (self.family or (model.family,))
            and case.precision in (self.precision or (case.precision,))
            and model.head_dim in (self.head_dim or (model.head_dim,))
            and case.tp > self.tp_above
            and self.moe in (None, bool(model.experts))
            and (broken is None or broken is model.experts_break(case.tp, case.precision))
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
