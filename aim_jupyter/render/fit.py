"""The card of one verdict: its sum as a bar and as a table, and what would fit instead."""

from __future__ import annotations

from collections.abc import Sequence

from aim_jupyter.core.records import Choice, Offer
from aim_jupyter.core.records.fit import Band, Fit, FitVerdict, Term
from aim_jupyter.render import fitbar, grid, html, shapes, words
from aim_jupyter.render import text as t
from aim_jupyter.render.card import Card, card
from aim_jupyter.render.html import Html, tag

_HEADS = ("low", "high", "basis", "note")
_NUMERIC = (False, True, True, False, False)
_TITLE = "To make it fit, change one thing"


def fit_card(fit: Fit, choice: Choice | None) -> Card:
    """Return the card of a verdict.

    Parameters
    ----------
    choice : Choice or None
        The recipe that it is about, with its picture and its offers; None where nothing is known.
    """
    recipe = choice.recipe.id if choice else ""
    about = " · ".join(filter(None, [fit.model or "this config", recipe, _asked(fit)]))
    verdict = choice.verdict if choice else fit.verdict
    reason = choice.reason if choice else fit.reason
    said = f"{verdict}: {reason}"
    facts = _facts(fit, verdict)
    names = (_of_what(fit), *_HEADS)
    rows = [row for term in fit.terms for row in _rows(term)]
    body = [html.part(_verdict(verdict, reason), *map(html.line, map(html.soft, facts)))]
    if choice and fitbar.terms(choice):
        bar = html.join(fitbar.bar(choice), fitbar.sentence(choice), fitbar.legend([choice]))
        body.append(html.part(bar))
    if rows:
        heads = [(name, "text-align:right" if right else "") for name, right in _columns(names)]
        body.append(html.part(grid.table(heads, rows)))
    if choice and choice.offers:
        title = html.line(html.strong(_TITLE), style="margin-bottom:8px")
        body.append(html.part(title, *map(_offer, choice.offers)))
    lines = [*t.head("fit", about), t.bold(said), *facts]
    lines += ["", *t.columns([list(names), *rows], _NUMERIC)] if rows else []
    lines += ["", _TITLE, *_offers_text(choice.offers)] if choice and choice.offers else []
    return card(html.card(html.head("fit", html.soft(about)), *body), lines)


def _of_what(fit: Fit) -> str:
    on_gpu = fit.device is None or fit.device.family != "cpu"
    return "GiB of each GPU" if on_gpu else "GiB"


def _columns(names: Sequence[str]) -> list[tuple[str, bool]]:
    return list(zip(names, _NUMERIC, strict=True))


def _asked(fit: Fit) -> str:
    settings, device = fit.settings, fit.device
    count = settings.tp * settings.pp
    many = f"{count} {words.TIMES} " if count > 1 else ""
    where = f"{many}{device.model}" if device else ""
    length = settings.max_model_len
    users = words.plural(settings.users, "user")
    context = f"{users} at {words.number(length)} tokens" if length else users
    return " · ".join(filter(None, [where, context]))


def _verdict(verdict: FitVerdict, reason: str) -> Html:
    chip = shapes.chip(verdict) if verdict != "unknown" else html.strong("unknown")
    return html.line(html.join(chip, html.strong(reason), between=" "))


def _facts(fit: Fit, verdict: FitVerdict) -> list[str]:
    """Return what the room is worth, and what has to be said beside the sum."""
    found = [] if _is_shut(fit, verdict) else _worth(fit)
    said = {fit.reason, *(term.note for term in fit.terms)}
    notes = [note for note in fit.notes if note not in said]
    return [line for line in [" · ".join(found), *notes] if line]


def _is_shut(fit: Fit, verdict: FitVerdict) -> bool:
    """Whether something else than the KV cache stands in the way: its room is worth nothing."""
    return verdict == "NO" and fit.spare is not None and fit.spare.high >= 0


def _worth(fit: Fit) -> list[str]:
    found = []
    room = fit.available is None or fit.available.high > 0
    if fit.kv_tokens is not None and room and fit.kv_tokens.high >= 1:
        found.append(f"KV cache for {_whole(fit.kv_tokens)} tokens")
    if fit.concurrency is not None and room:
        found.append(_users(fit.concurrency))
    if fit.largest_context:
        found.append(f"largest context {words.number(fit.largest_context)} tokens")
    return found


def _whole(band: Band) -> str:
    if band.low < 1:
        return f"up to {words.number(int(band.high))}"
    ends = dict.fromkeys([words.number(int(band.low)), words.number(int(band.high))])
    return " to ".join(ends)


def _users(band: Band) -> str:
    """Return how many users find room, in words: a part of one is none."""
    if band.high < 1:
        return "no room for one such user"
    if band.low < 1:
        return f"room for up to {band.high:,.1f} such users"
    ends = " to ".join(dict.fromkeys([f"{band.low:,.1f}", f"{band.high:,.1f}"]))
    return f"room for {ends} such users"


def _rows(term: Term) -> list[list[str]]:
    """Return the row of a part; of a KV cache that there is no room for, also what is missing."""
    low, high = (max(0, size) for size in (term.low_bytes, term.high_bytes))
    row = [term.name, words.gib(low, ""), words.gib(high, ""), term.basis, term.note]
    if term.low_bytes >= 0:
        return [row]
    short = (max(0, -term.high_bytes), -term.low_bytes)
    return [
        row,
        ["short", *(words.gib(size, "") for size in short), term.basis, "before any KV cache"],
    ]


def _offer(offer: Offer) -> Html:
    box = tag("div", html.code_box(offer.line, offer.change), style="flex:1 1 570px;min-width:0")
    chip = shapes.chip(offer.verdict) if offer.verdict else ""
    said = tag(
        "span", html.join(chip, html.soft(offer.reason), between=" "), style="flex:0 1 310px"
    )
    style = "display:flex;flex-wrap:wrap;align-items:center;gap:4px 12px;margin-bottom:8px"
    return tag("div", box, said, style=style)


def _offers_text(offers: Sequence[Offer]) -> list[str]:
    rows = [
        [t.bold(offer.line), " ".join(filter(None, [offer.verdict, offer.reason]))]
        for offer in offers
    ]
    return t.columns(rows, [False, False], gap=4)
