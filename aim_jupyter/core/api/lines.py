"""The launch line that stands for a request: the shortest one that gives the same plan.

Whoever clicks learns the line from it, so every word on it has to matter: a wish that changes
nothing here and now is left out. What matters is tried, not guessed: a shorter line is taken only
if its plan is the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from aim_jupyter.core.api.plans import default_model, meant
from aim_jupyter.core.errors import AimError
from aim_jupyter.core.recipes.arguments import variables
from aim_jupyter.core.records import Plan
from aim_jupyter.core.request import Request, words
from aim_jupyter.core.request.record import OPTIONS
from aim_jupyter.core.request.words import Wish

if TYPE_CHECKING:
    from aim_jupyter.core.api.planner import Planner

#: What no plan holds, as it says what else may run.
_BESIDE = ("new",)


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
    behind = {
        option.field: _first(getattr(request, option.field), said.get(option.variable))
        for option in OPTIONS
        if option.variable
    }
    made = replace(request, **behind)
    return made if made.model else replace(made, model=default_model())


def _first(asked: Any, behind: Any) -> Any:
    """Return what was asked for, else what stands behind it; options join; auto is none."""
    if isinstance(asked, Mapping):
        return {**(behind or {}), **asked}
    found = asked or behind
    return None if found == "auto" else found


def launch_line(request: Request) -> str:
    """Return the shortest ``%aim launch`` line that gives the same plan, here and now.

    Where the request has no plan (nothing fits, a GPU is held), the line says all of it, and the
    launch says why not.

    Parameters
    ----------
    request : Request
        As `plan` takes it.

    Examples
    --------
    >>> launch_line(Request(model="demo", users=4))                   # doctest: +SKIP
    '%aim launch'
    """
    wished = tuple(words.wishes(request))
    try:
        request, answers = meant(request)
        _, wanted = answers.plan(request)
    except AimError:
        kept = wished
    else:
        kept = _shortest(wished, wanted, answers)
    return words.line(kept)


def _shortest(wished: tuple[Wish, ...], wanted: Plan, answers: Planner) -> tuple[Wish, ...]:
    choosing = tuple(wish for wish in wished if wish.option.chooses)
    others = tuple(wish for wish in wished if not wish.option.chooses)
    kept = choosing
    for fewer in _subsets(choosing):
        if _gives((*fewer, *others), wanted, answers):
            kept = fewer
            break
    for wish in others:
        if wish.field in _BESIDE:
            continue
        fewer = tuple(one for one in others if one is not wish)
        if _gives((*kept, *fewer), wanted, answers):
            others = fewer
    return (*kept, *others)


def _subsets(wished: Sequence[Wish]) -> list[tuple[Wish, ...]]:
    """Return the ways to say less, the shortest line first."""
    ways = [few for count in range(len(wished)) for few in combinations(wished, count)]
    return sorted(ways, key=lambda few: (len(words.line(few)), few))


def _gives(wished: Sequence[Wish], wanted: Plan, answers: Planner) -> bool:
    try:
        _, made = answers.plan(with_variables(words.request(wished)))
    except AimError:
        return False
    return _what_runs(made) == _what_runs(wanted)


def _what_runs(made: Plan) -> Plan:
    """Return a plan without what it tells of the asking."""
    return replace(made, asked=(), among=(), reasons=(), changes=())
