"""What the REST takes: bodies and queries, with strict types and bounds."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

from aim_jupyter.core.defaults import IDLE_S
from aim_jupyter.core.planning import Request

#: One line of text: what is typed into a field, a name or a path.
Line = Annotated[str, Meta(min_length=1, max_length=1024, pattern=r"^[^\x00-\x1f\x7f]+$")]
Count = Annotated[int, Meta(ge=1, le=2**31 - 1)]
Ordinal = Annotated[int, Meta(ge=0, le=1023)]
Ordinals = Annotated[str, Meta(pattern=r"^\d{1,4}(,\d{1,4})*$", max_length=1024)]
Seconds = Annotated[float, Meta(ge=1, le=10 * 365 * 86400)]
Word = Annotated[str, Meta(max_length=65536, pattern=r"^[^\x00]*$")]


class Wish(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a launch is asked for; the words of ``%aim launch``.

    Attributes
    ----------
    gpus : list of int, str or None
        HIP ordinals, as numbers or as the tables have them, ``"4,5"``.
    idle_s : float or None
        Seconds without a request after which it stops; null is never.
    options : dict
        The engine's own options without dashes; null is a bare switch.
    listen : str or None
        ``loopback``, ``unix``, or an address of this machine.
    new : bool
        Start another one even where a server with the same command runs.
    force : bool
        Launch in spite of a NO.
    """

    model: Line
    recipe: Line | None = None
    users: Count | None = None
    context: Count | None = None
    gpus: Annotated[list[Ordinal], Meta(max_length=1024)] | Ordinals | None = None
    name: Line | None = None
    options: dict[Line, Word | int | float | bool | None] = {}
    idle_s: Seconds | None = IDLE_S
    listen: Line | None = None
    new: bool = False
    force: bool = False

    @property
    def request(self) -> Request:
        """The same in the core's words."""
        return Request(
            model=self.model,
            recipe=self.recipe,
            users=self.users,
            context=self.context,
            gpus=ordinals(self.gpus),
            name=self.name,
            options=dict(self.options),
            idle_s=self.idle_s,
            listen=self.listen,
            force=self.force,
        )


class RecipesQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query of ``recipes``."""

    model: Line | None = None
    users: Count | None = None
    context: Count | None = None
    gpus: Ordinals | None = None


class ModelsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query of ``models``: a part of the name, in any case."""

    q: Annotated[str, Meta(max_length=1024)] = ""


class StopQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query of a stop: `now` cuts running requests off, `forget` drops an ended server."""

    now: bool = False
    forget: bool = False


class LogsQuery(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The query of ``logs``: how many lines of its end."""

    lines: Annotated[int, Meta(ge=1, le=10_000)] = 200


def ordinals(said: list[int] | str | None) -> tuple[int, ...] | None:
    """Return HIP ordinals however they were said; none at all leaves the choice to us.

    Examples
    --------
    >>> ordinals("4,5"), ordinals([4]), ordinals([])
    ((4, 5), (4,), None)
    """
    if not said:
        return None
    return tuple(map(int, said.split(","))) if isinstance(said, str) else tuple(said)
