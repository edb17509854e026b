"""An engine brought up in the fastest way that its plan allows and this moment makes possible.

While it imports, its weights are read into the page cache (`readahead`).
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from aim_jupyter.core import cache, config
from aim_jupyter.core.records import Plan
from aim_jupyter.core.serving.start import engine, modes, readahead, warm
from aim_jupyter.core.serving.start.engine import Engine, Needs
from aim_jupyter.core.serving.start.warm import HostRefused
from aim_jupyter.core.serving.state import starts

#: How a start in the mode ``warm`` is called that had to start the host as well.
WARMING = "warming"


class Booted(NamedTuple):
    """An engine, None where the start was not wanted any more; and how it was started."""

    engine: Engine | None
    how: str


def likely(plan: Plan) -> str:
    """Return how `plan` will be started, as far as that can be seen before."""
    if plan.mode != "warm":
        return plan.mode
    return "warm" if warm.is_ready(plan.argv[0]) else WARMING


def detail(plan: Plan) -> str:
    """Return what there is to say of a start at its beginning: in a container, why it is plain."""
    if plan.image is None:
        return ""
    return f"{plan.image.program} {plan.image.name}, {plan.mode}: {plan.mode_reason}"


def expected(plan: Plan) -> dict[str, float]:
    """Return the seconds per stage that a start of `plan` would take now, empty where unknown."""
    return starts.expected(plan, likely(plan))


def boot(
    plan: Plan, needs: Needs, *, note: Callable[[str], None], pause: Callable[[], bool]
) -> Booted:
    """Start the engine of `plan`.

    Parameters
    ----------
    note : callable
        Is told what is out of the ordinary.
    pause : callable
        Waits a moment, and returns whether the start is still wanted.

    Raises
    ------
    OSError
        If the engine can't be executed.
    """
    _read_ahead(plan, note)
    mode = plan.mode
    if mode == "warm":
        try:
            return _forked(plan, needs, pause)
        except HostRefused as refused:
            mode = modes.FALLBACK
            note(f"started by {mode}: {refused.found}")
    return Booted(engine.start(plan, mode, needs), mode)


def _forked(plan: Plan, needs: Needs, pause: Callable[[], bool]) -> Booted:
    forking = engine.Forking(plan, needs)
    how = WARMING if forking.fresh else "warm"
    try:
        while (found := forking.poll()) is None:
            if not pause():
                break
        return Booted(found, how)
    finally:
        forking.close()


def _read_ahead(plan: Plan, note: Callable[[str], None]) -> None:
    folder = plan.model_path
    if not Path(folder).is_dir():
        folder = cache.locate(plan.model_path, plan.revision).path or ""
    weights = readahead.weights(Path(folder)) if folder else []
    if sum(path.stat().st_size for path in weights) > config.read_ahead_bytes():
        _, why_not = readahead.begin(Path(folder))
        if why_not:
            note(f"weights are not read ahead: {why_not}")
