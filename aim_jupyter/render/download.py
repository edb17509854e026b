"""The card of a prefetch: how far the download is, as a whole and file by file."""

from __future__ import annotations

from aim_jupyter.core.records import Arriving, Prefetch, Progress
from aim_jupyter.core.sizes import GIB, MIB
from aim_jupyter.render import grid, html, shapes, words
from aim_jupyter.render import text as t
from aim_jupyter.render.card import Card, card

#: Files that are listed; a large model has hundreds, of which a few are on their way at a time.
_MOST = 8
#: MiB per second from which on a rate has no decimals.
_WHOLE = 10
_RIGHT = "text-align:right"
_HEADS = (("file", "width:40%;white-space:normal"), ("", "width:30%"), ("arrived", _RIGHT))


def download_card(fetch: Prefetch) -> Card:
    """Return the card of a prefetch at one moment."""
    number = f"{fetch.number} of {fetch.count}" if fetch.count > 1 else ""
    top = html.head("cache prefetch", html.strong(fetch.model), number)
    head = t.head("cache prefetch", t.bold(fetch.model), number)
    progress = fetch.progress
    if progress is None or progress.share is None:
        said = "Asking the Hub which files there are."
        return card(html.card(top, html.part(said)), [*head, said])
    told = download_line(progress)
    shown, rest = _listed(progress)
    table = grid.table(_HEADS, [_row(file) for file in shown])
    # In the place of the head's line, as on the card of a launch.
    bar = shapes.progress(progress.share, f"{fetch.model}: {told}", height=2)
    body = [bar, html.part(html.line(told), first=True)]
    if shown:
        body.append(html.part(table, html.line(html.soft(rest)) if rest else ""))
    lines = [told, "", *t.columns([_text(file) for file in shown], [False, True]), rest]
    return card(html.card(top, *body), [*head, *lines])


def download_line(progress: Progress | None) -> str:
    """Return a download in one line: bytes, rate, time left, files."""
    if progress is None or progress.total_bytes is None:
        return "asking the Hub which files there are"
    arrived = sum(file.done_bytes >= file.size_bytes for file in progress.files)
    parts = [
        _amount(progress.done_bytes, progress.total_bytes),
        f"{100 * (progress.share or 0):.0f} %",
        _rate(progress.rate),
        f"about {words.duration(progress.eta_s)} left" if progress.eta_s else "",
        f"{arrived} of {words.plural(len(progress.files), 'file')}",
    ]
    return " · ".join(filter(None, parts))


def _rate(rate: float | None) -> str:
    """Return bytes per second in MiB, as stages say it: tenths of a GiB would be too coarse."""
    if not rate:
        return ""
    scaled = rate / MIB
    return f"{scaled:,.0f} MiB/s" if scaled >= _WHOLE else f"{scaled:.1f} MiB/s"


def _listed(progress: Progress) -> tuple[list[Arriving], str]:
    """Return the files that are on their way, and what is left out."""
    coming = [file for file in progress.files if file.done_bytes < file.size_bytes]
    coming.sort(key=lambda file: not file.done_bytes)
    left = len(coming) - _MOST
    return coming[:_MOST], f"and {words.plural(left, 'file')} more" if left > 0 else ""


def _row(file: Arriving) -> list[str]:
    share = file.done_bytes / max(1, file.size_bytes)
    return [
        file.name,
        shapes.bar([(share, html.BRAND)], f"{file.name}: {_size(file)}"),
        _size(file),
    ]


def _text(file: Arriving) -> list[str]:
    return [file.name, _size(file)]


def _size(file: Arriving) -> str:
    return _amount(file.done_bytes, file.size_bytes)


def _amount(done: int, whole: int) -> str:
    """Return a part and the whole in one unit, so that both can be compared at a look."""
    scale, unit = (GIB, "GiB") if whole >= GIB else (MIB, "MiB")
    return f"{done / scale:,.1f} of {whole / scale:,.1f} {unit}"
