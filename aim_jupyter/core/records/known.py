"""Models that can be named in a launch here, as a picker lists them."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

from aim_jupyter.core.records.ability import Ability
from aim_jupyter.core.records.recipe import Verdict
from aim_jupyter.core.records.server import State

#: Where a model stands in the list: what runs, what needs no download, what needs one.
Standing = Literal["running", "on disk", "to download"]


class KnownModel(Struct, frozen=True, kw_only=True):
    """A model, the recipe that a launch of it would take here, and the server that has it.

    Attributes
    ----------
    on_disk : bool
        Whether the weights of that recipe need no download.
    verdict, reason, recipe, precision
        Of that recipe; None and empty where nothing is known.
    gpus_needed : int or None
        GPUs of one copy; None on the processor.
    weights_bytes : int or None
        Of all its GPUs together.
    users_fit : float or None
        How many of the users that were asked about there is room for.
    does : tuple of str
        What the model does, served so.
    server, state, shared_by, gpus
        Of the live server that has this model, the user's own before one that is shared with them.
    """

    model: str
    standing: Standing
    on_disk: bool = False
    verdict: Verdict | None = None
    reason: str = ""
    recipe: str | None = None
    precision: str | None = None
    gpus_needed: int | None = None
    weights_bytes: int | None = None
    users_fit: float | None = None
    does: tuple[Ability, ...] = ()
    server: str | None = None
    state: State | None = None
    shared_by: str | None = None
    gpus: tuple[int, ...] = ()


class KnownModels(Struct, frozen=True, kw_only=True):
    """What a picker shows.

    Attributes
    ----------
    models : tuple of KnownModel
        In the order of the list.
    suggested : str
        The one to open with.
    offline : bool
        Whether the user's own setting forbids to ask the Hub.
    """

    models: tuple[KnownModel, ...]
    suggested: str = ""
    offline: bool = False
