"""What several looks and front ends make of what the core answered: cards, rows, text."""

from __future__ import annotations

import math
from datetime import datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from aim_jupyter import render
from aim_jupyter.core import api
from aim_jupyter.core.errors import AimError
from aim_jupyter.core.records import Choice, Sample, ServerView, Top
from aim_jupyter.tables import columns
from aim_jupyter.tables.columns import Row
from aim_jupyter.work import runs

if TYPE_CHECKING:
    from aim_jupyter.core.metrics import Columns
    from aim_jupyter.render import Card

#: Lines of the engine's log that a server's card shows on a click.
LOG_LINES = 20
#: Seconds for which `%aim top` is renewed.
TOP_FOR_S = 600.0
#: Under this name a DataFrame remembers in its ``attrs`` the verb that made it.
MARK = "aim_jupyter"
#: Rows of a DataFrame that are shown in full, in a box that scrolls; pandas shows ten.
MOST_ROWS = 200


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


def top_card(top: Top, *, ended: bool = False, width: int = 1000) -> Card:
    """Return the card of `%aim top`; an ended one is not renewed any more.

    Parameters
    ----------
    width : int
        Characters of a line of its text.
    """
    return render.top_card(
        top.servers,
        top.machine,
        top.history,
        at=top.at,
        user=top.user,
        every_s=api.TOP_EVERY_S,
        past_s=api.TOP_PAST_S,
        for_s=None if ended else TOP_FOR_S,
        maps=runs.working(),
        width=width,
    )


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


def refusal_card(error: AimError) -> Card | None:
    """Return the sum behind a refused launch and what would fit instead, None for other errors."""
    choice = getattr(error, "refused", None)
    if not isinstance(choice, Choice) or not (choice.offers or choice.kv_bytes):
        return None
    return render.recipes_card([choice], choice.recipe.model)


def fit_json(answer: Any) -> dict[str, Any]:
    """Return a verdict as plain data."""
    return api.fit_json(answer)
