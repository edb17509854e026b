"""What a family of models has in common, from ``families.toml``."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Literal

from msgspec import Struct

from aim_jupyter.core import files
from aim_jupyter.core.checkpoint.fields import Fields, Unreadable
from aim_jupyter.core.checkpoint.registered import reason

Mixing = Literal["attention", "latent", "delta", "kda", "mamba1", "mamba2"]


class Traits(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a config of this family leaves unsaid; ``families.toml`` explains each."""

    architectures: tuple[str, ...]
    mixer: Mixing = "attention"
    qkv_bias: bool = False
    out_bias: bool = False
    mlp_bias: bool = False
    qk_norm: Literal["", "head", "all"] = ""
    gated: bool = True
    tied: bool = False
    pattern: int = 0
    head: int = 0
    positions: bool = False
    shared: int = 0
    state_dtype: str = "auto"
    capture: float = 1.0
    tables: int = 1
    turned: float = 1.0
    router: str = "auto"
    mlp_beside_experts: bool = False
    rocm_block: int = 0
    said: dict[str, str] = {}

    @property
    def names(self) -> tuple[tuple[str, str], ...]:
        """What checkpoints of the family call parts of a layer, after what they are called here."""
        return tuple(self.said.items())


@functools.cache
def families() -> dict[str, Traits]:
    """Return the known families by model type."""
    return files.table(Path(__file__).with_name("families.toml"), dict[str, Traits])


@functools.cache
def architectures() -> frozenset[str]:
    """Return the names of all architectures that are counted."""
    return frozenset(name for its in families().values() for name in its.architectures)


def family(fields: Fields) -> tuple[str, Traits]:
    """Return the model type of a config and its traits.

    Raises
    ------
    Unreadable
        If type and architecture are unknown, or of two families.
    """
    kind = fields.text("model_type").removesuffix("_text")
    named = fields.texts("architectures")
    if not kind and not named:
        raise Unreadable("neither model_type nor architectures is there")
    if not kind:
        kind = next((name for name, its in families().items() if named[0] in its.architectures), "")
    traits = families().get(kind)
    if traits is None:
        raise Unreadable(reason(named[0] if named else kind, architectures()))
    if named and named[0] not in traits.architectures and not _inner(named[0], kind):
        raise Unreadable(f"the architecture {named[0]!r} is not one of {kind!r}")
    return kind, traits


def _inner(architecture: str, kind: str) -> bool:
    """Whether the text part of a model names the architecture of the whole, or the reverse."""
    owners = {name for name, its in families().items() if architecture in its.architectures}
    return any(kind.startswith(owner) or owner.startswith(kind) for owner in owners)
