"""The card of one verdict: its sum as a bar and as a table, and what would fit instead."""

from __future__ import annotations

from collections.abc import Sequence

from aim_jupyter.core.records import Choice, Offer
from aim_jupyter.core.records.fit import Band, Fit, Term
from aim_jupyter.render import fitbar, grid, html, shapes, words
from aim_jupyter.render import text as t
from aim_jupyter.render.card import Card, card
from aim_jupyter.render.html import Html, tag

_HEADS = ("GiB of each GPU", "low", "high", "basis", "note")
_NUMERIC = (False, True, True, False, False)
_TITLE = "To make it fit, change one thing"


def fit_card(fit: Fit, choice: Choice) -> Card:
    """Return the card of a verdict.

    Parameters
    ----------
    choice : Choice
        The same verdict, for its picture and its offers.
    """
    about = " · ".join(filter(None, [fit.model or "this config", _asked(fit)]))
    said = f"{fit.verdict}: {fit.reason}"
    facts = _facts(fit)
    rows = [_row(term) for term in fit.terms]
    body = [html.part(_verdict(fit), *map(html.line, map(html.soft, facts)))]
    if fitbar.terms(choice):
        bar = html.join(fitbar.bar(choice), fitbar.sentence(choice), fitbar.legend([choice]))
        body.append(html.part(bar))
    if rows:
        heads = [(name, "text-align:right" if right else "") for name, right in _columns()]
        body.append(html.part(grid.table(heads, rows)))
    if choice.offers:
        title = html.line(html.strong(_TITLE), style="margin-bottom:8px")
        body.append(html.part(title, *map(_offer, choice.offers)))
    lines = [*t.head("fit", about), t.bold(said), *facts]
    lines += ["", *t.columns([list(_HEADS), *rows], _NUMERIC)] if rows else []
    lines += ["", _TITLE, *_offers_text(choice.offers)] if choice.offers else []
    return card(html.card(html.head("fit", html.soft(about)), *body), lines)


def _columns() -> list[tuple[str, bool]]:
    return list(zip(_HEADS, _NUMERIC, strict=True))


def _asked(fit: Fit) -> str:
    settings, device = fit.settings, fit.device
    count = settings.tp * settings.pp
    many = f"{count} {words.TIMES} " if count > 1 else ""
    where = f"{many}{device.model}" if device else ""
    length = settings.max_model_len
    users = words.plural(settings.users, "user")
    context = f"{users} at {words.number(length)} tokens" if length else users
    return " · ".join(filter(None, [where, context]))


def _verdict(fit: Fit) -> Html:
    chip = shapes.chip(fit.verdict) if fit.verdict != "unknown" else html.strong("unknown")
    return html.line(html.join(chip, html.strong(fit.reason), between=" "))


def _facts(fit: Fit) -> list[str]:
    """Return what the room is worth, and what has to be said beside the sum."""
    found = []
    if fit.kv_tokens is not None:
        found.append(f"KV cache for {_whole(fit.kv_tokens)} tokens")
    if fit.concurrency is not None:
        found.append(f"room for {_tenths(fit.concurrency)} such users")
    if fit.largest_context:
        found.append(f"largest context {words.number(fit.largest_context)} tokens")
    said = {fit.reason, *(term.note for term in fit.terms)}
    notes = [note for note in fit.notes if note not in said]
    return [line for line in [" · ".join(found), *notes] if line]


def _whole(band: Band) -> str:
    ends = dict.fromkeys([words.number(int(band.low)), words.number(int(band.high))])
    return " to ".join(ends)


def _tenths(band: Band) -> str:
    return " to ".join(dict.fromkeys([f"{band.low:,.1f}", f"{band.high:,.1f}"]))


def _row(term: Term) -> list[str]:
    ends = (words.gib(term.low_bytes, ""), words.gib(term.high_bytes, ""))
    return [term.name, *ends, term.basis, term.note]


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
