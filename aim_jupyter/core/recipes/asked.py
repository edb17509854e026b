"""What a choice among recipes has to satisfy."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

Context = int | Literal["auto"] | None
"""Tokens of one request: a number, the most that fit ("auto"), or whatever the recipe says."""


class Asked(Struct, frozen=True, kw_only=True):
    """The wishes of one request; None leaves the matter to us.

    Attributes
    ----------
    recipe : str or None
        Id of the recipe to take.
    gpus : tuple of int or None
        HIP ordinals to choose among.
    most_gpus : int or None
        How many GPUs at most.
    metric : str or None
        ``latency`` spreads a model over more GPUs, ``throughput`` takes as few as it fits on.
    engine_version : str or None
        Of the engine that will serve; None lets any version pass.
    users : int or None
        Requests at the same time.
    context : int, "auto" or None
        Tokens of each.
    """

    recipe: str | None = None
    gpus: tuple[int, ...] | None = None
    most_gpus: int | None = None
    precision: str | None = None
    metric: str | None = None
    engine: str = "vllm"
    engine_version: str | None = None
    users: int | None = None
    context: Context = None
