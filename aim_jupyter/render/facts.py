"""Named facts: written once, shown as rows of a card and as lines of its text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from aim_jupyter.render import grid, html
from aim_jupyter.render import text as t
from aim_jupyter.render.html import Html

Kind = Literal["plain", "strong", "soft", "command", "log"]


class Fact(Struct, frozen=True, kw_only=True):
    """One thing that a card says.

    Attributes
    ----------
    said : str
        A sentence, in which code stands between backticks, or a command, or lines of a log.
    mark : str
        The part of a command that is new.
    notes : tuple of str
        Lesser sentences below it.
    """

    name: str
    said: str
    kind: Kind = "plain"
    mark: str = ""
    notes: tuple[str, ...] = ()


def rows(facts: Sequence[Fact], *, width: int, gap: int) -> Html:
    """Return the facts as rows, their names in a column of `width` pixels."""
    return grid.rows([(fact.name, _value(fact)) for fact in facts], width=width, gap=gap)


def _value(fact: Fact) -> Html:
    notes = [html.line(html.soft(html.prose(note)), style=html.SMALL) for note in fact.notes]
    return html.join(_said(fact), *notes)


def _said(fact: Fact) -> Html:
    if fact.kind == "command":
        return html.code_box(fact.said, fact.mark)
    if fact.kind == "log":
        return html.code_box(fact.said, edge=html.BAD)
    said = html.prose(fact.said)
    wrap = {"strong": html.strong, "soft": html.soft}.get(fact.kind)
    return html.line(wrap(said) if wrap else said)


def lines(facts: Sequence[Fact]) -> list[str]:
    """Return the facts as text, their names in a column as wide as the longest."""
    width = max((len(fact.name) for fact in facts), default=0) + 2
    return [line for fact in facts for line in t.row(fact.name, *_lines(fact), width=width)]


def _lines(fact: Fact) -> list[str]:
    if fact.kind == "log":
        return [*fact.said.split("\n"), *map(t.prose, fact.notes)]
    said = t.prose(fact.said)
    return [
        t.bold(said) if fact.kind in ("strong", "command") else said,
        *map(t.prose, fact.notes),
    ]
