"""The card below the table of recipes: the best of each verdict, and what to change."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from aim_jupyter.core.records import Choice, Offer, Verdict
from aim_jupyter.render import fitbar, grid, html, shapes, words
from aim_jupyter.render import text as t
from aim_jupyter.render.card import Card, card
from aim_jupyter.render.html import Html, tag

_VERDICTS: tuple[Verdict, ...] = ("FITS", "TIGHT", "NO")
_TOLD = {"FITS": "fit", "TIGHT": "tight", "NO": "do not"}
_MOST_LINES = 2
_MOST_OFFERS = 3
#: Recipes of one model that the card lists; the table above it has them all.
_MOST_LISTED = 5


def recipes_card(choices: Sequence[Choice], model: str | None = None) -> Card:
    """Return the card of ranked recipes, best first.

    Parameters
    ----------
    model : str, optional
        Whose recipes they are; without it, each choice is the best of a model of its own.
    """
    about = " · ".join(filter(None, [model or "best recipe of each model", _asked(choices)]))
    counts = Counter(choice.verdict for choice in choices)
    told = " · ".join(f"{counts[one]} {_TOLD[one]}" for one in _VERDICTS if counts[one])
    bars = fitbar.best(choices) if model else []
    body = [_bars(bars)] if bars else [_list(choices, model)]
    title, offers = _offers(choices)
    if offers:
        body.append(html.part(_title(title), *(_offer(offer) for offer in offers)))
    lines = t.head("", about, told) + _text(bars, choices, model)
    if offers:
        lines += ["", title, *_offers_text(offers)]
    return card(html.card(html.head("", html.soft(about), told), *body), lines)


def _asked(choices: Sequence[Choice]) -> str:
    first = next((one for one in choices if one.users or one.context_tokens), None)
    gpus = sorted({gpu for one in choices for gpu in one.gpus})
    where = f"GPU {words.listing(words.spans(gpus))}" if gpus else ""
    if first is None:
        return where
    users = words.plural(first.users, "user") if first.users else ""
    context = f"at {words.number(first.context_tokens)} tokens" if first.context_tokens else ""
    return " · ".join(filter(None, [f"{users} {context}".strip(), where]))


def _bars(choices: Sequence[Choice]) -> Html:
    blocks = [_block(choice, edge=index > 0) for index, choice in enumerate(choices)]
    return html.part(*blocks, _columns(Html(""), fitbar.legend(choices)))


def _block(choice: Choice, *, edge: bool) -> Html:
    chip = tag("div", shapes.chip(choice.verdict), style="margin-top:4px")
    left = html.join(html.line(html.strong(choice.recipe.id)), chip)
    both = _columns(left, html.join(fitbar.bar(choice), fitbar.sentence(choice)))
    line = f"border-top:1px solid {html.LINE};" if edge else ""
    return tag("div", both, style=f"{line}padding:8px 0")


def _columns(left: Html, right: Html) -> Html:
    first = tag("div", left, style="flex:1 1 130px;max-width:200px")
    second = tag("div", right, style="flex:4 1 420px;min-width:0")
    return tag("div", first, " ", second, style="display:flex;flex-wrap:wrap;gap:0 12px")


def _list(choices: Sequence[Choice], model: str | None) -> Html:
    heads = [("recipe" if model else "model", ""), ("verdict", ""), ("reason", "width:60%")]
    heads = [*heads, ("GPUs", "")]
    body = [
        [
            html.strong(choice.recipe.id if model else choice.recipe.model),
            shapes.chip(choice.verdict),
            tag("span", choice.reason, style="white-space:normal"),
            _gpus(choice),
        ]
        for choice in _listed(choices, model)
    ]
    more = html.line(html.soft(_more(choices, model)), style="margin-top:4px")
    shown = grid.table(heads, body) if body else html.soft("None known.")
    return html.part(shown, more if _more(choices, model) else "")


def _listed(choices: Sequence[Choice], model: str | None) -> Sequence[Choice]:
    return choices[:_MOST_LISTED] if model else choices


def _more(choices: Sequence[Choice], model: str | None) -> str:
    left = len(choices) - len(_listed(choices, model))
    return f"and {words.plural(left, 'recipe')} more" if left else ""


def _gpus(choice: Choice) -> str:
    if choice.recipe.gpu_model == "cpu":
        return "CPU"
    return ", ".join(map(str, choice.gpus)) or words.UNKNOWN


def _title(title: str) -> Html:
    return html.line(html.strong(title), style="margin-bottom:8px")


def _offers(choices: Sequence[Choice]) -> tuple[str, Sequence[Offer]]:
    for choice in choices:
        if choice.verdict != "FITS" and choice.offers:
            return f"To make {choice.recipe.id} fit, change one thing", choice.offers[:_MOST_OFFERS]
    lines = [one for one in choices if one.try_line][:_MOST_LINES]
    offers = [
        Offer(line=one.try_line or "", verdict=one.verdict, reason=one.recipe.id) for one in lines
    ]
    return "Try", offers


def _offer(offer: Offer) -> Html:
    box = tag("div", html.code_box(offer.line, offer.change), style="flex:2 1 480px;min-width:0")
    chip = shapes.chip(offer.verdict) if offer.verdict else ""
    said = tag(
        "span", html.join(chip, html.soft(offer.reason), between=" "), style="flex:1 1 310px"
    )
    style = "display:flex;flex-wrap:wrap;align-items:center;gap:4px 12px;margin-bottom:8px"
    return tag("div", box, said, style=style)


def _text(bars: Sequence[Choice], choices: Sequence[Choice], model: str | None) -> list[str]:
    if bars:
        blocks = [["", *fitbar.text(choice)] for choice in bars]
        return [line for block in blocks for line in block][1:]
    rows = [
        [t.bold(one.recipe.id if model else one.recipe.model), one.verdict, one.reason, _gpus(one)]
        for one in _listed(choices, model)
    ]
    more = list(filter(None, [_more(choices, model)]))
    return [*t.columns(rows, [False] * 4), *more] if rows else ["None known."]


def _offers_text(offers: Sequence[Offer]) -> list[str]:
    rows = [
        [t.bold(offer.line), " ".join(filter(None, [offer.verdict, offer.reason]))]
        for offer in offers
    ]
    return t.columns(rows, [False, False], gap=4)
