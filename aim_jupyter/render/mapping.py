"""The card of a map: how far it is, how quick, how long it takes, and what fails."""

from __future__ import annotations

from aim_jupyter.render import grid, html, shapes, words
from aim_jupyter.render import text as t
from aim_jupyter.render.card import Card, card
from aim_jupyter.render.html import Html
from aim_jupyter.render.shapes import Shape
from aim_jupyter.work.records import Look, MapRun

_SHAPES: dict[str, tuple[Shape, str]] = {
    "first rows": ("half", html.BRAND),
    "running": ("disc", html.GOOD),
    "waiting": ("dashed", html.CARE),
    "stopped": ("ring", html.OTHERS),
    "done": ("tick", html.GOOD),
}
_RIGHT = "text-align:right"
_ROWS = (
    *(("last rows", _RIGHT), ("text", "white-space:normal")),
    *(("answer", "white-space:normal"), ("ms", _RIGHT)),
)
_CAUSES = (("failures by cause", ""), ("rows", _RIGHT))
_ENDED = ("done", "stopped")


def map_card(look: Look) -> Card:
    """Return the card of a map at one moment."""
    run = look.run
    about = [f"run {run.id}", *run.servers]
    state = html.join(shapes.glyph(*_SHAPES[look.state]), look.state)
    top = html.head("map", html.dotted(state, *map(html.soft, about)), _right(look))
    body = [_progress(look), *_body(look), html.part(html.soft(_footer(run)))]
    return card(html.card(top, *body), _text(look, about))


def map_line(look: Look) -> str:
    """Return a map in one line."""
    run = look.run
    parts = [
        f"map {run.id}: {run.done:,} of {run.rows:,} rows",
        f"{run.failed:,} failed" if run.failed else "",
        f"{look.rows_s:.1f} rows/s" if look.rows_s else "",
        eta(look),
    ]
    return " · ".join(filter(None, parts))


def eta(look: Look) -> str:
    """Return what is left as a band of time, from what the last minute brought."""
    if look.state == "done":
        return ""
    if look.state == "waiting":
        return "waiting for the server"
    if look.eta_s is None:
        return f"{words.UNKNOWN}, measuring"
    (least, unit), (most, units) = map(_rounded, look.eta_s)
    if (least, unit) == (most, units):
        return f"about {most:g} {units} left"
    return f"about {least:g}{'' if unit == units else f' {unit}'} to {most:g} {units} left"


def _rounded(seconds: float) -> tuple[float, str]:
    """Return a time as one says it that is only about so long."""
    if seconds < 90:  # noqa: PLR2004 - from there on one counts in minutes, then in hours
        return max(1, 5 * round(seconds / 5)), "s"
    return (round(seconds / 60), "min") if seconds < 5400 else (round(seconds / 3600, 1), "h")  # noqa: PLR2004


def rate(rows_s: float | None) -> str:
    """Return a rate with as many digits as say something."""
    if rows_s is None:
        return words.UNKNOWN
    return f"{rows_s:.1f}" if rows_s < 100 else f"{rows_s:,.0f}"  # noqa: PLR2004


def _right(look: Look) -> str:
    took = words.duration(look.run.took_s)
    sittings = f" in {look.run.sittings} sittings" if look.run.sittings > 1 else ""
    if look.state in _ENDED:
        return " · ".join([took + sittings, *_energy(look.run)])
    return f"{eta(look)} · {took}{sittings or ' so far'}"


def _progress(look: Look) -> Html:
    run = look.run
    color = html.OTHERS if look.state == "stopped" else html.BRAND
    rows = run.rows or 1
    bar = shapes.bar([(run.done / rows, color), (run.failed / rows, html.BAD)], _counts(run))
    failed = html.join(shapes.glyph("cross", html.BAD, gap=4), html.strong(f"{run.failed:,}"))
    parts = [
        html.join(html.strong(f"{run.done:,}"), " done"),
        html.join(failed, " failed") if run.failed else html.escape("0 failed"),
        html.join(html.strong(f"{run.left:,}"), f" left of {run.rows:,} rows"),
    ]
    return html.part(bar, html.line(html.dotted(*parts), style="margin-top:6px"))


def _counts(run: MapRun) -> str:
    return f"{run.done:,} done · {run.failed:,} failed · {run.left:,} left of {run.rows:,} rows"


def _body(look: Look) -> list[Html]:
    said = [html.line(html.escape(each)) for each in _said(look)]
    if look.state in _ENDED:
        return [html.part(*said)]
    tiles = html.beside(*(_tile(*each) for each in _tiles(look)))
    body = [html.part(tiles, *said)]
    rows = [[f"{row:,}", text, answer, f"{ms:,.0f}"] for row, text, answer, ms in look.last]
    tables = [
        grid.table(_ROWS, [list(map(html.escape, row)) for row in rows]) if rows else "",
        grid.table(
            _CAUSES, [[html.escape(cause), f"{count:,}"] for cause, count in look.causes.items()]
        )
        if look.causes
        else "",
    ]
    return [*body, html.part(html.beside(*filter(None, tables)))] if any(tables) else body


def _tile(name: str, value: str, unit: str, under: Html | str) -> Html:
    style = f"flex:1 1 130px;border:1px solid {html.LINE};padding:6px 12px;margin-bottom:8px"
    figure = html.join(html.strong(value), " ", html.soft(unit))
    return html.tag("div", html.line(html.soft(name)), html.line(figure), under, style=style)


def _tiles(look: Look) -> list[tuple[str, str, str, Html | str]]:
    run = look.run
    ended = run.done + run.failed or 1
    tiles: list[tuple[str, str, str, Html | str]] = [
        ("Rows, last minute", rate(look.rows_s), "rows/s", shapes.spark(look.history))
    ]
    for name, now, total in (
        ("Tokens in", look.tok_in_s, run.tokens_in),
        ("Tokens out", look.tok_out_s, run.tokens_out),
    ):
        under = html.soft(f"{total:,} so far, {total / ended:,.0f} a row")
        tiles.append((name, words.number(now), "tok/s", html.line(under)))
    if run.gpu_hours is not None:
        at_end = run.rows / ended
        parts = [f"{run.energy_wh:.0f} Wh so far"] if run.energy_wh is not None else []
        parts.append(f"about {at_end * run.gpu_hours:.2f} at the end")
        under = html.line(html.soft(", ".join(parts)))
        tiles.append(("GPU time", f"{run.gpu_hours:.2f}", "GPU hours", under))
    return tiles


def _said(look: Look) -> list[str]:
    """Return what is said of a map besides its counts, line by line."""
    run = look.run
    said = []
    if look.state == "stopped":
        kept = run.done + run.failed
        said.append(f"Kept: {kept:,} of {run.rows:,} rows. Run the same again to go on.")
        failed = f" {run.failed:,} failed and stay failed." if run.failed else ""
        said.append(f"{look.at_once} under way were dropped and are asked again.{failed}")
    elif look.state != "done":
        said.append(f"{look.at_once} at once: {look.why}; {look.most} at most so far")
        said.append(f"%aim runs stop {run.id} ends it and keeps what is done")
    if run.reason:
        said.append(run.reason)
    if look.state in _ENDED:
        causes = ", ".join(f"{cause} {count:,}" for cause, count in look.causes.items())
        failures = f"failures: {causes}" if causes else "no failures"
        said.append(f"{run.tokens_in:,} tokens in, {run.tokens_out:,} out · {failures}")
    return said


def _energy(run: MapRun) -> list[str]:
    parts = [
        f"{run.gpu_hours:.2f} GPU hours" if run.gpu_hours is not None else "",
        f"{run.energy_wh:.0f} Wh" if run.energy_wh is not None else "",
    ]
    return [each for each in parts if each]


def _text(look: Look, about: list[str]) -> list[str]:
    run = look.run
    lines = t.head("map", " · ".join([look.state, *about]), _right(look))
    lines += [t.progress((run.done + run.failed) / (run.rows or 1)), _counts(run)]
    if look.state not in _ENDED:
        figures = [f"{value} {unit}" for _, value, unit, _ in _tiles(look)]
        lines.append(" · ".join([*figures, *_energy(run)[1:]]))
    lines += _said(look)
    if look.last and look.state not in _ENDED:
        rows = [[f"{row:,}", text, answer, f"{ms:,.0f}"] for row, text, answer, ms in look.last]
        lines += ["", *t.columns([[name for name, _ in _ROWS], *rows], [True, False, False, True])]
        lines += [f"{cause} {count:,}" for cause, count in look.causes.items()]
    return [*lines, "", _footer(run)]


def _footer(run: MapRun) -> str:
    served = run.served
    engine = words.engine(served.engine, served.engine_version) if served.engine else ""
    model = f"{served.model} @ {served.revision or words.UNKNOWN}"
    parts = [f"run {run.id}", model, engine, f"record {served.record}", "%aim runs"]
    return " · ".join(filter(None, parts))
