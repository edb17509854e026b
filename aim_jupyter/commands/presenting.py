"""From what the core answered to rows and cards: the one place that joins verbs and their looks."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from aim_jupyter import columns, render
from aim_jupyter.columns import Row, Verb
from aim_jupyter.commands import Gives
from aim_jupyter.core import api, config
from aim_jupyter.core.errors import AimError
from aim_jupyter.core.metrics import Columns
from aim_jupyter.core.records import CachedModel, Choice, Machine, Sample, ServerView, Top
from aim_jupyter.render import Card

#: Lines of the engine's log that a server's card shows on a click.
LOG_LINES = 20
#: Seconds for which `%aim top` is renewed.
TOP_FOR_S = 600.0
#: Under this name a DataFrame remembers in its ``attrs`` the verb that made it.
MARK = "aim_jupyter"
#: Rows of a DataFrame that are shown in full, in a box that scrolls; pandas shows ten.
MOST_ROWS = 200
#: The variables that hide GPUs, outermost first.
_MASKS = ("ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES")


def rows(verb: Verb, answer: Any) -> list[Row]:
    """Return the rows of a table verb, as `columns` has them."""
    if verb == "gpus":
        return [columns.gpu_row(gpu) for gpu in answer.gpus]
    if verb == "metrics":
        return [
            columns.metrics_row(view.record.name, view.sample) for view in answer if view.sample
        ]
    return [columns.ROW[verb](record) for record in answer]


def history_rows(past: Columns | list[Sample]) -> list[Row]:
    """Return the rows of a server's past."""
    if isinstance(past, list):
        return [columns.sample_row(sample) for sample in past]
    rows = []
    for place, at in enumerate(past.at):
        values: dict[str, Any] = {name: each[place] for name, each in past.fields.items()}
        known = {name: value for name, value in values.items() if math.isfinite(value)}
        rows.append(columns.sample_row(Sample(at=at, **known)))
    return rows


def top_card(top: Top, *, ended: bool = False) -> Card:
    """Return the card of `%aim top`; an ended one is not renewed any more."""
    return render.top_card(
        top.servers,
        top.machine,
        top.history,
        at=top.at,
        user=top.user,
        every_s=api.TOP_EVERY_S,
        past_s=api.TOP_PAST_S,
        for_s=None if ended else TOP_FOR_S,
    )


def card(gives: Gives, answer: Any) -> Card | None:
    """Return the card of an answer, None for a kind that has none."""
    make = CARDS.get(gives)
    return make(answer) if make else None


class Table(NamedTuple):
    """A DataFrame of ours as text, its index first; a missing value is None."""

    heads: list[str]
    numeric: list[bool]
    rows: list[tuple[str | None, ...]]


def table(frame: Any) -> Table | None:
    """Return a DataFrame of ours as text, None where it is better left to pandas.

    Parameters
    ----------
    frame : pandas.DataFrame
        Of ours are those that a verb has marked, and what is selected from them; what else is
        made of them (a transposed table, groups) is not.
    """
    verb = frame.attrs.get(MARK)
    names = [str(name) for name in frame.columns]
    known = set(names) <= set(columns.COLUMNS.get(verb, ()))
    if verb is None or not known or frame.index.nlevels > 1 or len(frame) > MOST_ROWS:
        return None
    series = [frame.index.to_series(), *(frame.iloc[:, at] for at in range(len(names)))]
    return Table(
        heads=[str(frame.index.name or ""), *names],
        numeric=[each.dtype.kind in "iuf" for each in series],
        rows=list(zip(*(_cells(each.tolist()) for each in series), strict=True)),
    )


def _cells(values: list[Any]) -> list[str | None]:
    """Return the values of one column as text, its decimals below each other."""
    found = [value for value in values if isinstance(value, float) and value == value]  # noqa: PLR0124 - NaN
    digits = max((len(f"{value:.6f}".rstrip("0").partition(".")[2]) for value in found), default=0)
    return [_cell(value, max(1, digits)) for value in values]


def _cell(value: Any, digits: int) -> str | None:
    if isinstance(value, float):
        return f"{value:.{digits}f}" if value == value else None  # noqa: PLR0124 - NaN
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="seconds") if value == value else None  # noqa: PLR0124 - NaT
    return str(value) if isinstance(value, str | int) else None


def server_card(view: ServerView) -> Card:
    """Return the card of one server with the end of its log."""
    tail = [] if view.shared_by else api.logs(view.record.name, lines=LOG_LINES)
    return render.launch_card(view, log_tail=tail)


def _gpus_card(machine: Machine) -> Card:
    mask = next((f"{name}={os.environ[name]}" for name in _MASKS if name in os.environ), None)
    on_hub = "JUPYTERHUB_USER" in os.environ
    return render.gpus_card(machine, user=config.user(), mask=mask, on_hub=on_hub)


def _recipes_card(choices: list[Choice]) -> Card | None:
    """Return the card of one model's recipes; the overview of all models is a table alone."""
    models = {choice.recipe.model for choice in choices}
    return render.recipes_card(choices, models.pop()) if len(models) == 1 else None


def refusal_card(error: AimError) -> Card | None:
    """Return the sum behind a refused launch and what would fit instead, None for other errors."""
    choice = getattr(error, "refused", None)
    if not isinstance(choice, Choice) or not (choice.offers or choice.kv_bytes):
        return None
    return render.recipes_card([choice], choice.recipe.model)


def _fit_card(answer: Any) -> Card | None:
    """Return the card of one verdict; the table of past starts has none."""
    return None if isinstance(answer, list) else render.fit_card(answer.fit, answer.choice)


def fit_json(answer: Any) -> dict[str, Any]:
    """Return a verdict as plain data."""
    from aim_jupyter.core import fitting  # noqa: PLC0415 - it is there already where there is one

    return fitting.as_json(answer)


def _cache_card(models: list[CachedModel]) -> Card:
    return render.cache_card(models, api.cache_totals(models))


def _servers_card(views: list[ServerView]) -> Card | None:
    """Return a card where there is no server at all; a table of servers speaks for itself."""
    if views:
        return None
    return render.nothing_card("servers", "No server yet.", "`server = %aim launch` starts one.")


def _metrics_card(views: list[ServerView]) -> Card | None:
    if any(view.sample for view in views):
        return None
    found = "No running server has been measured yet."
    return render.nothing_card("metrics", found, "`%aim ps` lists the servers.")


CARDS: Mapping[Gives, Callable[[Any], Card | None]] = {
    "status": render.status_card,
    "gpus": _gpus_card,
    "engines": render.engines_card,
    "recipes": _recipes_card,
    "fit": _fit_card,
    "cache": _cache_card,
    "evict": render.eviction_card,
    "stats": render.stats_card,
    "why": render.startable_card,
    "ps": _servers_card,
    "metrics": _metrics_card,
    "server": server_card,
    "doctor": render.checks_card,
    "warm": render.warm_card,
}
