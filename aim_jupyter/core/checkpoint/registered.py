"""How much is known of each architecture that vLLM 0.32 has a class for.

``registered.json`` holds the names of its registry; it is made by
``tests/core/checkpoint/drivers/registry.py`` and compared with the installed engine by the tests.
"""

from __future__ import annotations

import functools
from importlib.resources import files
from typing import Literal

import msgspec
from msgspec import Struct

from aim_jupyter.core.records.kinds import resolved

Standing = Literal["counted", "drafter", "asked", "unknown"]


class _Registry(Struct, frozen=True, forbid_unknown_fields=True):
    models: frozenset[str]
    drafters: frozenset[str]
    does: dict[str, frozenset[str]]


@functools.cache
def registry() -> _Registry:
    """Return the names of vLLM's registry: models, and drafters for speculative decoding.

    ``does`` has those that do more than write text: ``vision``, ``audio`` and ``speech``; that only
    write down what they hear (``silent``), or write nothing: ``pools``, ``late`` interaction.
    """
    text = files(__package__).joinpath("registered.json").read_bytes()
    return msgspec.json.decode(text, type=resolved(_Registry))


def standing(architecture: str, families: frozenset[str]) -> Standing:
    """Return how much is known of an architecture.

    ``counted`` is one of `families`; ``drafter`` serves only beside its model; ``asked`` is not
    counted here, but the engine itself can be asked; ``unknown`` is none of its registry.
    """
    if architecture in families:
        return "counted"
    if architecture in registry().drafters:
        return "drafter"
    return "asked" if architecture in registry().models else "unknown"


def reason(architecture: str, families: frozenset[str]) -> str:
    """Return why nothing is counted for an architecture that no family has."""
    match standing(architecture, families):
        case "drafter":
            return f"{architecture!r} is a drafter: it serves beside its model, not alone"
        case "asked":
            return f"the architecture {architecture!r} is not known here; vLLM is, with --exact"
        case _:
            return f"the architecture {architecture!r} is not known here"
