"""The card below the table of models on disk: what takes the room, and what is not complete."""

from __future__ import annotations

from collections.abc import Sequence

from aim_jupyter.core.records import CachedModel, CacheTotals
from aim_jupyter.render import grid, html, shapes, words
from aim_jupyter.render import text as t
from aim_jupyter.render.card import Card, card
from aim_jupyter.render.html import Html
from aim_jupyter.render.shapes import Shape

_SHAPES: dict[str, tuple[Shape, str]] = {
    "complete": ("tick", html.GOOD),
    "incomplete": ("triangle", html.CARE),
    "downloading": ("half", html.BRAND),
    "unreadable": ("triangle", html.CARE),
}
_RIGHT = "text-align:right"
#: Rows of a card, the largest first; the table above it has them all.
_MOST = 20
_HEADS = (
    *(("model", "width:30%;white-space:normal"), ("", "width:24%"), ("size", _RIGHT)),
    *(("state", ""), ("in use by", ""), ("last used", "")),
)


def totals_words(totals: CacheTotals) -> list[str]:
    """Return the cache in a few facts: how much, what is incomplete, how much room is left."""
    size = f"{words.disk(totals.size_bytes)} in {words.plural(totals.models, 'model')}"
    incomplete = f"{totals.incomplete} incomplete" if totals.incomplete else ""
    free = "" if totals.free_bytes is None else f"{words.disk(totals.free_bytes)} free on disk"
    return list(filter(None, [size if totals.models else "no model yet", incomplete, free]))


def cache_card(models: Sequence[CachedModel], totals: CacheTotals | None = None) -> Card:
    """Return the card of the models on disk."""
    told = " · ".join(totals_words(totals)) if totals else ""
    top = html.head("cache", "", told)
    if not models:
        said = "No model is on disk yet. A launch downloads what it needs."
        return card(html.card(top, html.part(said)), [*t.head("cache", "", told), said])
    largest = max(_whole(model) for model in models)
    shown, rest = models[:_MOST], _rest(models)
    table = grid.table(_HEADS, [_row(model, largest) for model in shown])
    notes = [_note(model) for model in shown if model.reason]
    foot = [*notes, *([html.line(html.soft(rest))] if rest else [])]
    parts = [html.part(table), *([html.part(*foot)] if foot else [])]
    lines = t.head("cache", "", told) + _text(shown) + (["", rest] if rest else [])
    return card(html.card(top, *parts), lines)


def _rest(models: Sequence[CachedModel]) -> str:
    """Return what the table above the card has and the card has no room for."""
    left = models[_MOST:]
    size = words.disk(sum(model.size_bytes for model in left))
    return f"and {len(left):,} more, {size} in all" if left else ""


def _whole(model: CachedModel) -> int:
    return max(model.expected_bytes or 0, model.size_bytes, 1)


def _row(model: CachedModel, largest: int) -> list[str]:
    ground = html.OTHERS if model.state == "complete" else shapes.hatched(html.CARE)
    label = f"{model.model}: {_size(model)}, {model.state}"
    return [
        html.strong(model.model),
        shapes.bar([(model.size_bytes / largest, ground)], label),
        _size(model),
        html.join(shapes.glyph(*_SHAPES[model.state]), _state(model)),
        model.in_use_by or "",
        html.soft(words.date(model.last_used_at)),
    ]


def _state(model: CachedModel) -> str:
    """Return the state and what else holds: ``complete, pinned, verified``."""
    more = {"pinned": model.pinned, "verified": model.verified, "shared": model.shared}
    kind = model.kind if model.kind != "model" else ""
    return ", ".join(filter(None, [model.state, kind, *(word for word, so in more.items() if so)]))


def _size(model: CachedModel) -> str:
    if model.state == "complete" or model.expected_bytes is None:
        return words.disk(model.size_bytes)
    return f"{words.gib(model.size_bytes, '')} of {words.gib(model.expected_bytes)}"


def _note(model: CachedModel) -> Html:
    sign = shapes.glyph(*_SHAPES[model.state])
    return html.line(sign, html.strong(model.model), f": {model.reason}")


def _text(models: Sequence[CachedModel]) -> list[str]:
    heads = ["model", "size", "state", "in use by", "last used"]
    rows = [
        [
            t.bold(model.model),
            _size(model),
            _state(model),
            model.in_use_by or "",
            words.date(model.last_used_at),
        ]
        for model in models
    ]
    notes = [f"{model.model}: {model.reason}" for model in models if model.reason]
    return t.columns([heads, *rows], [False, True, False, False, False]) + (
        ["", *notes] if notes else []
    )
