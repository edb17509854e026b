"""The card of the warm hosts: engines that are imported already, and what they cost."""

from __future__ import annotations

from collections.abc import Sequence

from aim_jupyter.core.records import WarmHost
from aim_jupyter.render import facts, html, words
from aim_jupyter.render import text as t
from aim_jupyter.render.card import Card, card
from aim_jupyter.render.facts import Fact

_NONE = "No engine is kept warm. `%aim warm` imports one ahead; a first launch does so too."


def warm_card(hosts: Sequence[WarmHost]) -> Card:
    """Return the card of the warm hosts."""
    told = [fact for host in hosts for fact in _facts(host)] or [Fact(name="warm", said=_NONE)]
    top = html.head("warm", html.soft("engines imported ahead"))
    body = html.part(facts.rows(told, width=72, gap=8))
    return card(
        html.card(top, body), [*t.head("warm", "engines imported ahead"), *facts.lines(told)]
    )


def _facts(host: WarmHost) -> list[Fact]:
    name = words.engine(host.engine, host.version)
    if host.version is None:
        return [Fact(name="engine", said=f"{name} is being imported; a launch may come already.")]
    forked = f"{words.plural(host.forked, 'server')} forked, {host.servers} of them running"
    ends = "while one of them runs" if host.idle_left_s is None else _ends(host.idle_left_s)
    told = [
        Fact(name="engine", said=f"{name}, imported in {words.duration(host.ready_s)}"),
        Fact(name="memory", said=f"{words.gib(host.memory_bytes)}, process {host.pid}"),
        Fact(name="servers", said=forked),
        Fact(name="stays", said=ends, notes=("`%aim warm --off` ends it; its servers go on.",)),
    ]
    if host.reason:
        told.append(Fact(name="but", said=f"it can't fork now: {host.reason}.", kind="strong"))
    return told


def _ends(left_s: float) -> str:
    return f"{words.duration(left_s)} more, unless somebody launches"
