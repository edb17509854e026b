"""The card of `%aim doctor`: what was checked, what was found, and what mends it."""

from __future__ import annotations

from collections.abc import Sequence

from aim_jupyter.core.records import Check
from aim_jupyter.render import grid, html, shapes
from aim_jupyter.render import text as t
from aim_jupyter.render.card import Card, card
from aim_jupyter.render.html import Html, tag


def checks_card(checks: Sequence[Check]) -> Card:
    """Return the card of all checks, in the order in which they are given."""
    good = sum(check.good for check in checks)
    told = f"{good} good · {len(checks) - good} to mend"
    rows = [(check.name, _finding(check)) for check in checks]
    body = html.part(grid.rows(rows, width=110, gap=8))
    lines = t.head("doctor", "", told) + _text(checks)
    return card(html.card(html.head("doctor", "", told), body), lines)


def _finding(check: Check) -> Html:
    sign = shapes.glyph(*(("tick", html.GOOD) if check.good else ("cross", html.BAD)))
    word = "" if check.good else html.soft("to mend: ")
    found = tag("div", html.line(word, html.prose(check.found)), _fix(check), style="flex:1 1 0")
    return tag("div", tag("div", sign, style="flex:none"), found, style="display:flex")


def _fix(check: Check) -> Html:
    if check.good or not check.fix:
        return Html("")
    if check.fix.startswith("%"):
        return html.code_box(check.fix)
    return html.line(html.soft(html.prose(check.fix)))


def _text(checks: Sequence[Check]) -> list[str]:
    width = max((len(check.name) for check in checks), default=0) + 2
    lines = []
    for check in checks:
        said = f"{'good   ' if check.good else 'to mend'}  {t.prose(check.found)}"
        fix = [] if check.good or not check.fix else [f"         {t.bold(t.prose(check.fix))}"]
        lines += t.row(check.name, said, *fix, width=width)
    return lines
