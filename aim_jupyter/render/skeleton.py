"""What a panel shows first: the mark, and bars where the controls will be.

Apart from the rest of its looks, which the first paint does not wait for.
"""

from __future__ import annotations

from aim_jupyter.render import html
from aim_jupyter.render.html import Html, tag

#: The rows of the Launch tab: the width of the name, and of each control beside it, in px.
_ROWS = ((44, 320), (40, 320, 68, 160), (36, 78, 78, 78, 78), (44, 480), (60, 220), (70, 560))
_NAMES = 104


def piece(*parts: str) -> Html:
    """Return HTML in the type that all of the panel has."""
    style = (
        f"{html.UI_FONT};font-size:var(--jp-ui-font-size1, 13px);line-height:20px;"
        f"color:{html.INK};font-variant-numeric:tabular-nums;white-space:normal"
    )
    return tag("div", *parts, style=style)


def mark() -> Html:
    """Return the mark."""
    bar = f"display:inline-block;width:3px;height:14px;background:{html.MARK};vertical-align:-2px"
    name = tag("strong", "aim", style="font-weight:700;margin-left:6px")
    return piece(
        tag("div", tag("span", style=bar, aria_hidden="true"), name, style="text-align:right")
    )


def launch() -> Html:
    """Return the Launch tab as grey bars that stand still; for a screen reader it is a sentence."""
    said = html.soft("Looking at GPUs, recipes and the engine", style=html.SMALL)
    rows = [_row(name, *controls) for name, *controls in _ROWS]
    below = tag("div", said, style=f"padding-left:{_NAMES + 10}px;line-height:28px")
    return piece(tag("div", tag("div", *rows, aria_hidden="true"), below, role="status"))


def _row(name: int, *controls: int) -> Html:
    left = tag("div", _bar(name, 8), style=f"width:{_NAMES}px;display:flex;justify-content:end")
    # As wide as a control, less where there is less room.
    beside = [tag("div", _bar(width, 28), style="min-width:0") for width in controls]
    style = "display:flex;align-items:center;gap:8px;height:28px;margin-bottom:8px;overflow:hidden"
    return tag("div", left, *beside, style=style)


def _bar(width: int, height: int) -> Html:
    return tag("div", style=f"width:{width}px;height:{height}px;background:{html.TRACK}")
