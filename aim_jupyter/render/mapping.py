"""The card of a map: how far it is, how quick, how long it takes, and what fails."""

from __future__ import annotations

from aim_jupyter.render import grid, html, shapes, words
from aim_jupyter.render import text as t
from aim_jupyter.render.card import Card, card
from aim_jupyter.render.html import Html
from aim_jupyter.render.shapes import Shape
from aim_jupyter.work.records import Look, Run

_SHAPES: dict[str, tuple[Shape, str]] = {
    "first rows": ("half", html.BRAND),
    "running": ("disc", html.GOOD),
    "waiting": ("dashed", html.CARE),
    "stopped": ("ring", html.OTHERS),
    "done": ("tick", html.GOOD),
}
_RIGHT = "text-align:right"
_HEADS = (("row", _RIGHT), ("asked", "white-space:normal"), ("answer", ""), ("ms", _RIGHT))
_PARTS = 10


def map_card(look: Look) -> Card:
    """Return the card of a map at one moment."""
    run = look.run
    about = [f"run {run.id}", *run.servers]
    state = html.join(shapes.glyph(*_SHAPES[look.state]), look.state)
    top = html.head("map", html.dotted(state, *map(html.soft, about)), _right(look))
    head = t.head("map", " · ".join([look.state, *about]), _right(look))
    body = [shapes.progress(_share(run), _value_text(run), height=8), html.part(_lines(look))]
    lines = [t.progress(_share(run)), *_said(look)]
    if look.last and look.state not in ("done", "stopped"):
        rows = [[f"{row:,}", text, answer, f"{ms:,.0f}"] for row, text, answer, ms in look.last]
        shown = [list(map(html.escape, row)) for row in rows]
        body.append(html.part(grid.table(_HEADS, shown)))
        heads = [name for name, _ in _HEADS]
        lines += ["", *t.columns([heads, *rows], [True, False, False, True])]
    body.append(html.part(html.soft(_footer(run))))
    return card(html.card(top, *body), [*head, *lines, "", _footer(run)])


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
    least, most = (words.duration(seconds) for seconds in look.eta_s)
    return f"about {least} left" if least == most else f"about {least} to {most} left"


def _share(run: Run) -> float:
    return (run.done + run.failed) / run.rows if run.rows else 1.0


def _value_text(run: Run) -> str:
    return f"{run.done:,} of {run.rows:,} rows done, {run.failed:,} failed"


def _right(look: Look) -> str:
    took = words.duration(look.run.took_s)
    sittings = f" in {look.run.sittings} sittings" if look.run.sittings > 1 else " so far"
    if look.state in ("done", "stopped"):
        return took + (sittings if look.run.sittings > 1 else "")
    return f"{eta(look)} · {took}{sittings}"


def _said(look: Look) -> list[str]:
    """Return what is said of a map, line by line."""
    run = look.run
    counts = f"{run.done:,} done · {run.failed:,} failed · {run.left:,} left of {run.rows:,} rows"
    said = [counts]
    if look.state == "stopped" and run.left:
        said.append(f"Kept: {run.done + run.failed:,} of {run.rows:,} rows. Run the same to go on.")
    if run.reason:
        said.append(run.reason)
    said.append(_rates(look))
    if look.state in ("running", "first rows"):
        said.append(f"{look.at_once} at once: {look.why}; {look.most} at most so far")
    causes = ", ".join(f"{cause} {count:,}" for cause, count in look.causes.items())
    said.append(f"failures: {causes}" if causes else "no failures")
    return said


def _rates(look: Look) -> str:
    run = look.run
    live = look.state not in ("done", "stopped")
    tokens = f"{run.tokens_in:,} tokens in, {run.tokens_out:,} out"
    parts = [
        f"{look.rows_s:.1f} rows/s" if live and look.rows_s is not None else "",
        f"{words.number(look.tok_in_s)} tok/s in, {words.number(look.tok_out_s)} out"
        if live and look.tok_in_s is not None
        else "",
        tokens,
        f"{run.gpu_hours:.2f} GPU hours" if run.gpu_hours is not None else "",
        f"{run.energy_wh:.0f} Wh" if run.energy_wh is not None else "",
    ]
    return " · ".join(filter(None, parts))


def _lines(look: Look) -> Html:
    return html.join(*(html.line(html.escape(each)) for each in _said(look)))


def _footer(run: Run) -> str:
    served = run.served
    engine = words.engine(served.engine, served.engine_version) if served.engine else ""
    model = f"{served.model} @ {served.revision or words.UNKNOWN}"
    parts = [f"run {run.id}", model, engine, f"record {served.record}", "%aim runs"]
    return " · ".join(filter(None, parts))
