"""The card below a plan of `%aim cache evict`: what it frees, and how it is carried out."""

from __future__ import annotations

from collections.abc import Sequence

from aim_jupyter.core.records import Eviction
from aim_jupyter.render import html, words
from aim_jupyter.render import text as t
from aim_jupyter.render.card import Card, card

_YES = "The same line with `--yes` removes what would go."


def eviction_card(planned: Sequence[Eviction]) -> Card:
    """Return the card of a plan, or of what has gone."""
    gone = [one for one in planned if one.done]
    going = [one for one in planned if one.evict and not one.done]
    said = [_said(gone, going, len(planned))]
    if going:
        said.append(_YES)
    top = html.head("cache evict", "", "")
    body = html.part(*(html.line(html.prose(line)) for line in said))
    return card(html.card(top, body), [*t.head("cache evict", ""), *map(t.prose, said)])


def _said(gone: Sequence[Eviction], going: Sequence[Eviction], count: int) -> str:
    if gone:
        freed = words.disk(sum(one.frees_bytes for one in gone))
        return f"{words.plural(len(gone), 'repository', 'repositories')} evicted, {freed} freed."
    if going:
        frees = words.disk(sum(one.frees_bytes for one in going))
        what = words.plural(len(going), "repository", "repositories")
        return f"Nothing has been removed yet: {what} would go, and free {frees}."
    if not count:
        return "There is nothing on disk that could go."
    return "Nothing goes: the table says for each what keeps it."
