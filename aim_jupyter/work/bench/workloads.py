"""What a bench sends: so many tokens in and out, said, named, or as it was used here."""

from __future__ import annotations

from collections.abc import Mapping

from aim_jupyter.core import metrics
from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.serving import ServerFolder
from aim_jupyter.work import runs
from aim_jupyter.work.records import MapRun

#: Usual lengths by name: tokens in, tokens out.
SHAPES: Mapping[str, tuple[int, int]] = {
    "chat": (480, 256),
    "rag": (3072, 256),
    "summary": (6144, 384),
    "write": (128, 1024),
    "label": (256, 8),
}
HISTORY = "history"
#: Answers from which on their mean says something.
_ENOUGH = 20


def lengths(like: str | None, folder: ServerFolder) -> tuple[int, int, str]:
    """Return tokens in and out, and where they come from.

    Parameters
    ----------
    like : str or None
        A name among `SHAPES`, ``history`` for the requests that this server had, or a run of a
        map; None is ``chat``.
    folder : ServerFolder
        Of the server.

    Raises
    ------
    UnknownName
        If there is no such run.
    BadUsage
        If there was not enough to take a mean of.
    """
    if like is None or like in SHAPES:
        return (*SHAPES[like or "chat"], like or "chat")
    if like == HISTORY:
        seen = metrics.latest(folder.path)
        values = seen.values if seen else {}
        counts = [values.get(name, 0.0) for name in ("prompt_tokens", "generation_tokens")]
        return _mean(counts, values.get("finished", 0.0), f"the requests of {folder.name}")
    run = runs.find(like).read_as(MapRun)
    return _mean([run.tokens_in, run.tokens_out], run.done + run.failed, f"run {run.id}")


def _mean(counts: list[float], requests: float, of: str) -> tuple[int, int, str]:
    if requests < _ENOUGH:
        found = f"{of[0].upper()}{of[1:]}: {requests:g} answers are too few for a mean."
        raise BadUsage(found, "%aim bench --like chat")
    tokens_in, tokens_out = (max(1, round(count / requests)) for count in counts)
    return tokens_in, tokens_out, of
