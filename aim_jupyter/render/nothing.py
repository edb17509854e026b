"""The card below an empty table: why it is empty, and what would fill it."""

from __future__ import annotations

from aim_jupyter.render import html
from aim_jupyter.render import text as t
from aim_jupyter.render.card import Card, card


def nothing_card(title: str, found: str, todo: str) -> Card:
    """Return a card of two sentences, in which code stands between backticks."""
    body = html.part(html.line(html.prose(found)), html.line(html.soft(html.prose(todo))))
    lines = [*t.head(title, ""), t.prose(found), t.prose(todo)]
    return card(html.card(html.head(title, ""), body), lines)
