"""Tables of cards: named rows, and lists with a head. They also read well without any style."""

from __future__ import annotations

from collections.abc import Sequence

from aim_jupyter.render import html
from aim_jupyter.render.html import Html, tag

# JupyterLab centres tables in outputs, stripes and pads them; inline styles undo that.
_TABLE = (
    "border-collapse:collapse;border-spacing:0;table-layout:auto;width:100%;margin:0;"
    f"color:{html.INK};font-size:inherit;font-variant-numeric:tabular-nums"
)
_HEAD = f"color:{html.SOFT};{html.PLAIN}"
_CELL = "text-align:left;vertical-align:baseline;border:none;line-height:20px"


def rows(pairs: Sequence[tuple[str, str]], width: int = 88, gap: int = 12) -> Html:
    """Return names on the left and what belongs to each on the right.

    Parameters
    ----------
    width : int
        Of the left column, in pixels.
    gap : int
        Between two rows, in pixels.
    """
    body = []
    for index, (name, value) in enumerate(pairs):
        top = gap if index else 0
        left = f"width:{width}px;padding:{top}px 10px 0 0;white-space:nowrap;{_HEAD}"
        body.append(
            tr(
                tag("th", name, style=f"{_CELL};{left}", scope="row"),
                tag("td", value, style=f"{_CELL};padding:{top}px 0 0"),
            )
        )
    return tag("table", tag("tbody", *body), style=_TABLE)


def tr(*cells: str, ground: str = "none") -> Html:
    """Return a row without JupyterLab's stripes."""
    return tag("tr", *cells, style=f"background:{ground}")


def table(
    heads: Sequence[tuple[str, str]], body: Sequence[Sequence[str]], chosen: int | None = None
) -> Html:
    """Return a table with real headers.

    Parameters
    ----------
    heads : sequence of (name, style)
        The style holds for the whole column; a column without a name gets no visible header.
    body : sequence of rows
        Each with as many cells as there are heads.
    chosen : int, optional
        The row that stands on a ground of its own.
    """
    base = f"{_CELL};vertical-align:middle;padding:4px 12px 4px 0;white-space:nowrap"
    heads = [*heads[:-1], (heads[-1][0], f"{heads[-1][1]};padding-right:0")]
    top = [
        tag(
            "th",
            name,
            scope="col",
            style=f"{base};{style};{html.SMALL};{_HEAD}",
        )
        for name, style in heads
    ]
    lines = [
        tr(
            *(
                tag("td", cell, style=f"{base};{style}")
                for cell, (_, style) in zip(cells, heads, strict=True)
            ),
            ground=html.mixed(html.BRAND, 10) if index == chosen else "none",
        )
        for index, cells in enumerate(body)
    ]
    return tag(
        "table", tag("thead", tr(*top), style="border:none"), tag("tbody", *lines), style=_TABLE
    )
