"""The card of `%aim why`: what decided, with its evidence, and what was ruled out."""

from __future__ import annotations

from aim_jupyter.core.records.explained import Explanation
from aim_jupyter.render import facts, html, words
from aim_jupyter.render import text as t
from aim_jupyter.render.card import Card, card
from aim_jupyter.render.facts import Fact


def explained_card(found: Explanation) -> Card:
    """Return the card of why an engine ended."""
    told = _facts(found)
    top = html.head("why", html.strong(found.what), found.engine)
    lines = [*t.head("why", t.bold(found.what), found.engine), *facts.lines(told)]
    return card(html.card(top, html.part(facts.rows(told, width=110, gap=8))), lines)


def _facts(found: Explanation) -> list[Fact]:
    said = []
    if found.cause:
        said.append(Fact(name="Cause", said=found.cause))
    if found.line:
        said.append(Fact(name="Decisive line", said=found.line, kind="log", notes=_where(found)))
    if len(found.evidence) > 1:
        said.append(Fact(name="Led to it", said="\n".join(found.evidence), kind="log"))
    if found.ruled_out:
        said.append(Fact(name="Ruled out", said=found.ruled_out[0], notes=found.ruled_out[1:]))
    if found.attempt:
        notes = (found.because,) if found.because else ()
        said.append(Fact(name="Try", said=found.attempt, kind="command", notes=notes))
    if found.guess:
        note = "a model's guess, of the redacted log: not the cause"
        said.append(Fact(name="A guess", said=found.guess, kind="soft", notes=(note,)))
    return [*said, Fact(name="Log", said=found.log, kind="soft")]


def _where(found: Explanation) -> tuple[str, ...]:
    of = f" of {words.number(found.log_lines)}" if found.log_lines else ""
    number = "" if found.line_number is None else f"line {words.number(found.line_number)}{of}"
    process = f"{found.process} process" if found.process else ""
    stage = f"while in {found.stage}" if found.stage else ""
    place = " · ".join(filter(None, (number, process, stage)))
    return (place,) if place else ()
