"""The card of `%aim cache why`: whether a model can start without network, and what it lacks."""

from __future__ import annotations

from aim_jupyter.core.records import Startable
from aim_jupyter.render import html, shapes, words
from aim_jupyter.render import text as t
from aim_jupyter.render.card import Card, card

#: Files that are named; a model of which nothing is there may lack hundreds.
_MOST = 12


def startable_card(found: Startable) -> Card:
    """Return the card of one answer."""
    lines = [_verdict(found), *_reasons(found)]
    step = _step(found)
    sign = shapes.glyph(*(("tick", html.GOOD) if found.can_start else ("cross", html.BAD)))
    body = [html.line(sign, html.strong(lines[0])), *(html.line(line) for line in lines[1:])]
    if step:
        body.append(html.code_box(step))
    top = html.head("cache why", html.strong(found.model))
    text = [*t.head("cache why", t.bold(found.model)), *lines, *([t.bold(step)] if step else [])]
    return card(html.card(top, html.part(*body)), text)


def _verdict(found: Startable) -> str:
    where = f" from {found.path}" if found.path else ""
    if found.can_start:
        return f"It can start without network{where}."
    return "It can't start without network."


def _step(found: Startable) -> str | None:
    """Return the line that mends it: a download, where files are all that is lacking."""
    if found.can_start:
        return None
    if found.step.startswith("%aim launch /"):
        return found.step
    lacking = bool(found.missing or found.damaged)
    return f"%aim cache prefetch {found.model}" if lacking and found.repo else None


def _reasons(found: Startable) -> list[str]:
    said = []
    if found.repo and found.repo != found.model:
        said.append(f"Its weights are those of {found.repo}.")
    if found.shared:
        said.append("That is a shared cache, which is only read.")
    if found.missing == ("everything",):
        said.append("Nothing of it is on disk.")
    elif found.missing:
        said.append(f"Missing: {_named(found.missing)}.")
    if found.damaged:
        said.append(f"Damaged: {_named(found.damaged)}.")
    if found.reason and found.missing != ("everything",):
        said.append(found.reason)
        said += [f"Try: {found.step}"] if found.step and _step(found) is None else []
    return [*said, *([found.note] if found.note else [])]


def _named(names: tuple[str, ...]) -> str:
    more = len(names) - _MOST
    return ", ".join(names[:_MOST]) + (
        f" and {words.plural(more, 'file')} more" if more > 0 else ""
    )
