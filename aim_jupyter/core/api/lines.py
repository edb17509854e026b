"""The launch line that stands for a request: the shortest one that gives the same plan.

Whoever clicks learns the line from it, so every word on it has to matter: a wish that changes
nothing here and now is left out. What matters is tried, not guessed: a shorter line is taken only
if its plan is the same.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Sequence
from itertools import combinations
from typing import Any, NamedTuple

from msgspec.structs import replace

from aim_jupyter.core.api.plans import default_model, plan
from aim_jupyter.core.errors import AimError
from aim_jupyter.core.planning import DEFAULT_IDLE_S, Request
from aim_jupyter.core.recipes import variables
from aim_jupyter.core.recipes.options import plain
from aim_jupyter.core.records import Plan

#: Wishes with one value each, and their option, in the order of a line.
OPTIONS = {
    "recipe": "--recipe",
    "precision": "--precision",
    "metric": "--metric",
    "users": "--users",
    "context": "--context",
    "gpus": "--gpus",
    "engine": "--engine",
    "name": "--name",
    "port": "--port",
    "idle_s": "--idle",
    "lifetime_s": "--for",
    "force": "--force",
}
#: Options of a launch that are ours: one of the engine's with such a name has to be said by
#: ``--set``. `tests/core/api/test_lines.py` holds this against the table of verbs.
OURS = {option.removeprefix("--") for option in OPTIONS.values()} | {
    *("set", "unset", "env", "new", "help"),
}
#: What decides together which recipe runs where: of these, one can stand for another.
_CHOOSING = ("model", "recipe", "precision", "metric", "users", "gpus", "engine")
_UNITS = ((3600, "h"), (60, "m"), (1, "s"))


class _Wish(NamedTuple):
    """One part of a request: the field of `Request`, what it holds, and its words on a line."""

    field: str
    value: Any
    words: tuple[str, ...]


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
    wishes = tuple(_wishes(request))
    try:
        wanted = plan(request)
    except AimError:
        kept = wishes
    else:
        kept = _shortest(wishes, wanted)
    return _line(kept, new=new)


def _shortest(wishes: tuple[_Wish, ...], wanted: Plan) -> tuple[_Wish, ...]:
    choosing = tuple(wish for wish in wishes if wish.field in _CHOOSING)
    others = tuple(wish for wish in wishes if wish.field not in _CHOOSING)
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


def _subsets(wishes: Sequence[_Wish]) -> list[tuple[_Wish, ...]]:
    """Return the ways to say less, the shortest line first."""
    ways = [few for count in range(len(wishes)) for few in combinations(wishes, count)]
    return sorted(ways, key=lambda few: (len(_line(few)), few))


def _gives(wishes: Sequence[_Wish], wanted: Plan) -> bool:
    try:
        made = plan(with_variables(_request(wishes)))
    except AimError:
        return False
    return _what_runs(made) == _what_runs(wanted)


def _what_runs(made: Plan) -> Plan:
    """Return a plan without what it tells of the asking."""
    return replace(made, reasons=(), changes=())


def _request(wishes: Sequence[_Wish]) -> Request:
    """Return the request that a line with these wishes is read as."""
    given: dict[str, Any] = {"model": ""}
    for field, value, _ in wishes:
        if field in ("options", "env"):
            given[field] = {**given.get(field, {}), **value}
        elif field == "unset":
            given[field] = (*given.get(field, ()), *value)
        else:
            given[field] = value
    return Request(**given)


def _line(wishes: Sequence[_Wish], *, new: bool = False) -> str:
    order = ["model", *OPTIONS, "options", "unset", "env"]
    ordered = sorted(wishes, key=lambda wish: order.index(wish.field))
    words = [shlex.quote(word) for wish in ordered for word in wish.words]
    return " ".join(["%aim launch", *words, *(["--new"] if new else [])])


def _wishes(request: Request) -> Iterator[_Wish]:
    yield _Wish("model", request.model, (request.model,))
    for field, option in OPTIONS.items():
        value = getattr(request, field)
        if value != (DEFAULT_IDLE_S if field == "idle_s" else None) and value is not False:
            yield _Wish(field, value, (option, *_said(field, value)))
    for name, value in request.options.items():
        yield _engine_option(plain(name), value)
    for name in request.unset:
        yield _Wish("unset", (name,), ("--unset", name))
    for name, value in request.env.items():
        yield _Wish("env", {name: value}, ("--env", f"{name}={value}"))


def _said(field: str, value: Any) -> tuple[str, ...]:
    if field == "force":
        return ()
    if field in ("idle_s", "lifetime_s"):
        return (_duration(value),)
    return (",".join(map(str, value)) if field == "gpus" else str(value),)


def _duration(seconds: float | None) -> str:
    """Return a duration as a line has it, in the largest unit that says it exactly."""
    if seconds is None:
        return "never"
    size, unit = next((one for one in _UNITS if seconds % one[0] == 0), (1, "s"))
    return f"{seconds / size:g}{unit}"


def _engine_option(name: str, value: Any) -> _Wish:
    """Return an option of the engine as the line is read: as text, or as a bare switch."""
    if name in OURS:
        said = "true" if value is None else _text(value)
        return _Wish("options", {name: said}, ("--set", f"{name}={said}"))
    if value is None or isinstance(value, bool):
        spelled = f"--{'no-' if value is False else ''}{name}"
        return _Wish("options", {spelled: None}, (spelled,))
    said = _text(value)
    # What begins with a dash would be taken for the next option.
    words = (f"--{name}={said}",) if said.startswith("-") or not said else (f"--{name}", said)
    return _Wish("options", {f"--{name}": said}, words)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _auto(value: str | None) -> str | None:
    return None if value == "auto" else value
