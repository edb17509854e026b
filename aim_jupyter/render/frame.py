"""A table of a verb: one line a row, words on the left, numbers on the right.

JupyterLab breaks the cells of wide tables into many short lines and pushes words to the right. A
style element with a class of ours undoes that, as pandas does for its own: styles on each cell
would be ten times the table. Without it (an untrusted notebook) a plain table remains.
"""

from __future__ import annotations

from collections.abc import Sequence

from aim_jupyter.render import html, words
from aim_jupyter.render import text as t
from aim_jupyter.render.html import Html, tag

_CLASS = "aim-table"
_NUMBER, _MISSING = "aim-n", "aim-o"
MISSING = "<NA>"
_GAP = 2

# `.dataframe` beside ours outweighs JupyterLab's own rules for tables. The head and the first
# column stay where they are while the rest is scrolled. Jupyter's second colour for text would have
# a contrast just below 4.5 on the grey of every other row.
_STYLE = f"""
.dataframe.{_CLASS} th, .dataframe.{_CLASS} td {{white-space: nowrap; text-align: left}}
.dataframe.{_CLASS} .{_NUMBER} {{text-align: right; font-variant-numeric: tabular-nums}}
.dataframe.{_CLASS} .{_MISSING} {{color: color-mix(in srgb, {html.INK} 75%, transparent)}}
.dataframe.{_CLASS} thead th {{position: sticky; top: 0; z-index: 1; background: {html.PAPER};
  color: {html.INK}; box-shadow: inset 0 -1px {html.LINE}}}
.dataframe.{_CLASS} tbody th {{position: sticky; left: 0; background: inherit; color: inherit}}
"""
_SCROLLS = "overflow:auto;max-height:560px"


def frame_html(
    heads: Sequence[str], numeric: Sequence[bool], rows: Sequence[Sequence[str | None]]
) -> str:
    """Return a table with a column of row names on the left.

    Parameters
    ----------
    heads : sequence of str
        The index's name, then the columns'.
    numeric : sequence of bool
        Which of them hold numbers.
    rows : sequence of sequences
        As many cells as there are heads; None is a missing value.
    """
    top = tag(
        "tr", *(_cell("th", head, digits) for head, digits in zip(heads, numeric, strict=True))
    )
    body = [_row(row, numeric) for row in rows]
    table = tag(
        "table",
        tag("thead", top),
        tag("tbody", *body),
        border="0",
        style="margin:0",
        **{"class": f"dataframe {_CLASS}"},
    )
    return str(tag("div", tag("style", Html(_STYLE)), table, style=_SCROLLS))


def frame_text(
    heads: Sequence[str], numeric: Sequence[bool], rows: Sequence[Sequence[str | None]], width: int
) -> str:
    """Return the same for a terminal: the first columns that it has room for.

    pandas shows the first and the last ones, and of our tables the first ones matter.
    """
    lines = [list(heads), *([MISSING if cell is None else cell for cell in row] for row in rows)]
    # A line that broke in a cell would end the row.
    lines = [[" ".join(words.clean(cell).splitlines()) for cell in line] for line in lines]
    shown = t.that_fit(lines, width, _GAP)
    text = t.columns([line[:shown] for line in lines], numeric[:shown], gap=_GAP)
    if not rows:
        text.append("no rows")
    if shown < len(heads):
        text.append(
            f"and {words.plural(len(heads) - shown, 'column')} more: {t.named(heads[shown:])}"
        )
    return "\n".join(text)


def _row(cells: Sequence[str | None], numeric: Sequence[bool]) -> Html:
    named, *rest = (
        _cell("td" if at else "th", cell, digits)
        for at, (cell, digits) in enumerate(zip(cells, numeric, strict=True))
    )
    return tag("tr", named, *rest)


def _cell(name: str, value: str | None, digits: bool) -> Html:  # noqa: FBT001 - of a column
    classes = [_NUMBER if digits else "", _MISSING if value is None else ""]
    return tag(
        name, MISSING if value is None else value, **{"class": " ".join(filter(None, classes))}
    )
