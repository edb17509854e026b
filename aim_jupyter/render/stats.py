"""The card of `%aim cache stats`: how much there is, where, what launches find, what is set."""

from __future__ import annotations

from pathlib import Path

from aim_jupyter.core.records import CacheFolder, CacheStats, Setting
from aim_jupyter.render import grid, html, words
from aim_jupyter.render import text as t
from aim_jupyter.render.cache import totals_words
from aim_jupyter.render.card import Card, card
from aim_jupyter.render.html import Html, tag

_WIDTH = 96


def stats_card(stats: CacheStats) -> Card:
    """Return the card of the caches as a whole."""
    told = " · ".join(totals_words(stats.totals))
    facts = [("Kinds", _kinds(stats)), ("Kept", _kept(stats)), ("Launches", _launches(stats))]
    facts.append(("Compiled", _compiled(stats)))
    pairs = [(name, value) for name, value in facts if value]
    folders = [_folder(folder) for folder in stats.folders]
    rows = grid.rows(
        [
            *pairs,
            (
                "Folders",
                html.join(
                    *(html.line(html.code(path), html.soft(f" {said}")) for path, said in folders)
                ),
            ),
        ],
        width=_WIDTH,
        gap=8,
    )
    table = grid.table(
        (("variable", ""), ("value", "white-space:normal"), ("from", "")),
        [[html.code(one.name), _value(one), html.soft(one.source)] for one in stats.settings],
    )
    lines = t.head("cache stats", "", told)
    for name, value in pairs:
        lines += t.row(name, value)
    lines += t.row("Folders", *(f"{path}  {said}" for path, said in folders))
    heads = ["variable", "value", "from"]
    body = [[one.name, one.value or words.UNKNOWN, one.source] for one in stats.settings]
    lines += ["", *t.columns([heads, *body], [False, False, False])]
    top = html.head("cache stats", "", told)
    return card(html.card(top, html.part(rows), html.part(table)), lines)


def _kinds(stats: CacheStats) -> str:
    return " · ".join(
        f"{words.plural(one.repos, one.kind)} {words.disk(one.size_bytes)}" for one in stats.kinds
    )


def _kept(stats: CacheStats) -> str:
    parts = [
        f"{words.disk(stats.in_use_bytes)} in use" if stats.in_use_bytes else "",
        f"{words.disk(stats.pinned_bytes)} pinned" if stats.pinned_bytes else "",
    ]
    return " · ".join(filter(None, parts)) or "nothing in use, nothing pinned"


def _launches(stats: CacheStats) -> str:
    if stats.hits is None or stats.misses is None:
        return "not known: cache_index.json can't be read"
    if stats.hit_rate is None:
        return "none yet"
    total = stats.hits + stats.misses
    return f"{stats.hits} of {total} found their model on disk ({100 * stats.hit_rate:.0f} %)"


def _compiled(stats: CacheStats) -> str:
    """Return what engines need not compile again, without the folder that the table has."""
    return " · ".join(
        f"{Path(one.path).name} {words.disk(one.size_bytes)}" for one in stats.compiled
    )


def _repositories(count: int) -> str:
    return words.plural(count, "repository", "repositories")


def _folder(folder: CacheFolder) -> tuple[str, str]:
    parts = [
        f"{words.disk(folder.size_bytes)} in {_repositories(folder.repos)}"
        if folder.repos
        else "nothing in it",
        "" if folder.free_bytes is None else f"{words.disk(folder.free_bytes)} free",
        "shared, only read" if folder.shared else "",
    ]
    return folder.path, " · ".join(filter(None, parts))


def _value(setting: Setting) -> Html:
    return tag("span", setting.value) if setting.value else html.soft(words.UNKNOWN)
