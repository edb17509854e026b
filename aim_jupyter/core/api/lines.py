"""The launch line that stands for a request: the shortest one that gives the same plan.

Whoever clicks learns the line from it, so every word on it has to matter: a wish that changes
nothing here and now is left out. What matters is tried, not guessed: a shorter line is taken only
if its plan is the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations
from typing import Any

from msgspec.structs import replace

from aim_jupyter.core import wishes
from aim_jupyter.core.api.plans import default_model, plan
from aim_jupyter.core.errors import AimError
from aim_jupyter.core.planning import Request
from aim_jupyter.core.recipes import variables
from aim_jupyter.core.records import Plan
from aim_jupyter.core.wishes import Wish

#: What decides together which recipe runs where: of these, one can stand for another.
_CHOOSING = ("model", "recipe", "precision", "metric", "users", "gpus", "engine")


def with_variables(request: Request) -> Request:
    """Return a request with AMD's ``AIM_*`` variables behind it; what it says itself holds.

    Parameters
    ----------
    request : Request
        An empty `model` is what the variables say, else the demo where there is no GPU. The
        precision and the metric ``auto`` are none, whatever the variables say.

    Raises
    ------
    BadUsage
        If a variable has a value that it can't have, or it takes a user to name a model.
    """
    said = variables.read()
    return replace(
        request,
        model=request.model or said.model or default_model(),
        recipe=request.recipe or said.profile_id,
        engine=request.engine or said.engine,
        precision=_auto(request.precision or said.precision),
        metric=_auto(request.metric or said.metric),
        most_gpus=request.most_gpus or said.gpu_count,
        port=request.port or said.port,
        options={**said.engine_args, **request.options},
    )


def launch_line(request: Request, *, new: bool = False) -> str:
    """Return the shortest ``%aim launch`` line that gives the same plan, here and now.

    Where the request has no plan (nothing fits, a GPU is held), the line says all of it, and the
    launch says why not.

    Parameters
    ----------
    request : Request
        As `plan` takes it.
    new : bool
        As `launch` takes it.

    Examples
    --------
    >>> launch_line(Request(model="demo", users=4))                   # doctest: +SKIP
    '%aim launch'
    """
    wished = tuple(wishes.wishes(request))
    try:
        wanted = plan(request)
    except AimError:
        kept = wished
    else:
        kept = _shortest(wished, wanted)
    return wishes.line(kept, new=new)


def _shortest(wished: tuple[Wish, ...], wanted: Plan) -> tuple[Wish, ...]:
    choosing = tuple(wish for wish in wished if wish.field in _CHOOSING)
    others = tuple(wish for wish in wished if wish.field not in _CHOOSING)
    kept = choosing
    for fewer in _subsets(choosing):
        if _gives((*fewer, *others), wanted):
            kept = fewer
            break
    for wish in others:
        fewer = tuple(one for one in others if one is not wish)
        if _gives((*kept, *fewer), wanted):
            others = fewer
    return (*kept, *others)


def _subsets(wished: Sequence[Wish]) -> list[tuple[Wish, ...]]:
    """Return the ways to say less, the shortest line first."""
    ways = [few for count in range(len(wished)) for few in combinations(wished, count)]
    return sorted(ways, key=lambda few: (len(wishes.line(few)), few))


def _gives(wished: Sequence[Wish], wanted: Plan) -> bool:
    try:
        made = plan(with_variables(_request(wished)))
    except AimError:
        return False
    return _what_runs(made) == _what_runs(wanted)


def _what_runs(made: Plan) -> Plan:
    """Return a plan without what it tells of the asking."""
    return replace(made, asked=(), reasons=(), changes=())


def _request(wished: Sequence[Wish]) -> Request:
    """Return the request that a line with these wishes is read as."""
    given: dict[str, Any] = {"model": ""}
    for field, value, _ in wished:
        if field in ("options", "env"):
            given[field] = {**given.get(field, {}), **value}
        elif field == "unset":
            given[field] = (*given.get(field, ()), *value)
        else:
            given[field] = value
    return Request(**given)


def _auto(value: str | None) -> str | None:
    return None if value == "auto" else value
