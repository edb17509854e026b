"""The card below the table of engine environments: which can serve, and why the others can't."""

from __future__ import annotations

from collections.abc import Sequence

from aim_jupyter.core.records import EngineEnvironment
from aim_jupyter.render import grid, html, servers, shapes, words
from aim_jupyter.render import text as t
from aim_jupyter.render.card import Card, card
from aim_jupyter.render.html import Html

_NONE = "None found. An engine is installed with one command:"
_INSTALL = "%aim engine install cpu"
_HEADS = (("name", ""), ("engine", ""), ("platform", ""), ("found as", "width:40%"), ("", ""))


def engines_card(environments: Sequence[EngineEnvironment]) -> Card:
    """Return the card of the engine environments, the one that would be chosen first."""
    usable = sum(environment.usable for environment in environments)
    told = f"{usable} of {len(environments)} usable" if environments else ""
    top = html.head("", html.soft("engine environments"), told)
    if not environments:
        body = html.part(html.line(_NONE), html.code_box(_INSTALL))
        return card(
            html.card(top, body), [*t.head("", "engine environments"), _NONE, t.bold(_INSTALL)]
        )
    rows = [_row(environment) for environment in environments]
    paths = [_path(environment) for environment in environments]
    lines = t.head("", "engine environments", told) + _text(environments)
    return card(html.card(top, html.part(grid.table(_HEADS, rows)), html.part(*paths)), lines)


def _row(environment: EngineEnvironment) -> list[str]:
    good = environment.usable
    sign = shapes.glyph("tick", html.GOOD) if good else shapes.glyph("cross", html.BAD)
    return [
        html.strong(environment.name),
        words.engine(environment.engine, environment.version),
        words.platform(environment.platform),
        servers.origin(environment),
        html.join(sign, "usable" if good else "not usable"),
    ]


def _path(environment: EngineEnvironment) -> Html:
    why = "" if environment.usable else f": {environment.reason or 'no reason known'}"
    return html.line(html.soft(f"{environment.name}{why} ", html.code(environment.python)))


def _text(environments: Sequence[EngineEnvironment]) -> list[str]:
    rows = [
        [
            t.bold(one.name),
            words.engine(one.engine, one.version),
            words.platform(one.platform),
            servers.origin(one),
            "usable" if one.usable else f"not usable: {one.reason or 'no reason known'}",
        ]
        for one in environments
    ]
    paths = [f"{one.name}  {one.python}" for one in environments]
    return [*t.columns(rows, [False] * 5), "", *paths]
