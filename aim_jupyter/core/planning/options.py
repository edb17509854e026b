"""The engine's options that a user gives, before anything is judged by them."""

from __future__ import annotations

from collections.abc import Sequence

from aim_jupyter.core import adapters, engines, recipes
from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.records import EngineEnvironment
from aim_jupyter.core.request import words
from aim_jupyter.core.request.record import Request


def refuse(request: Request) -> None:
    """Refuse an option that makes no sense, ours or the engine's: no model needs to be looked for.

    Engines that would have to be asked first are not: the plan is then made by what one answers.

    Raises
    ------
    BadUsage
        With the nearest option, ours or the engine's.
    """
    if request.until is not None and not request.queue:
        raise BadUsage("--until is for one who waits in line.", "add --queue, or leave out --until")
    if not request.options:
        return
    first: BadUsage | None = None
    for environment in engines.answered(request.engine):
        done = recipes.reconcile(
            {},
            {},
            flags=environment.flags,
            overrides=recipes.Overrides(set=request.options),
            engine=environment.title,
            adapter=adapters.get(environment.engine or ""),
            ours=words.OURS,
        )
        if not done.errors:
            return
        first = first or wrong(request, environment, done.errors)
    if first is not None:
        raise first


def wrong(request: Request, environment: EngineEnvironment, errors: Sequence[str]) -> BadUsage:
    """Return what a user is told of options that an engine does not take, and the line mended."""
    known = [name for flag in environment.flags for name in flag.names]
    return BadUsage(f"{errors[0]}.", words.mended(request, known, errors))
