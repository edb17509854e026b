"""The card below a plan of `%aim cache evict`: what it frees, and how it is carried out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from aim_jupyter.core.records import Eviction
from aim_jupyter.core.records.plan import SourceKind
from aim_jupyter.render import html, words
from aim_jupyter.render import text as t
from aim_jupyter.render.card import Card, card

_PLACES: dict[SourceKind, str] = {
    "hub": "the Hub",
    "package": "the package index",
    "s3": "S3",
    "web": "a web server",
    "modelscope": "ModelScope",
}
_YES = "The same line with `--yes` removes what would go."


def eviction_card(planned: Sequence[Eviction]) -> Card:
    """Return the card of a plan, or of what has gone."""
    gone = [one for one in planned if one.done]
    going = [one for one in planned if one.evict and not one.done]
    said = [_said(gone, going, len(planned))]
    if going:
        said += [*_again(going), _YES]
    top = html.head("cache evict", "", "")
    body = html.part(*(html.line(html.prose(line)) for line in said))
    return card(html.card(top, body), [*t.head("cache evict", ""), *map(t.prose, said)])


def _again(going: Sequence[Eviction]) -> Iterator[str]:
    """Yield what it would cost to have it back."""
    lost = [one for one in going if one.source == "folder"]
    sizes = Counter[str]()
    for one in going:
        if one.source != "folder":
            sizes[_PLACES[one.source]] += one.frees_bytes
    if sizes:
        parts = (f"{words.disk(size)} from {place}" for place, size in sizes.most_common())
        yield f"To have it again: {', '.join(parts)}."
    if lost:
        names = ", ".join(one.model for one in lost)
        yield f"Nobody has noted where {names} came from: it is lost then."


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
