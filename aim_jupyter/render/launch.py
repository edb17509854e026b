"""The card of one server, from its launch to its end: one frame, and a body for each state."""

from __future__ import annotations

from collections.abc import Sequence

from aim_jupyter.core.records import ServerView
from aim_jupyter.render import ended, facts, html, ready, shapes, starting, words
from aim_jupyter.render import text as t
from aim_jupyter.render.card import Card, card
from aim_jupyter.render.html import Html, tag


def launch_card(
    view: ServerView, *, log_tail: Sequence[str] = (), browser_path: str | None = None
) -> Card:
    """Return the card of one server in the state that it is in.

    Parameters
    ----------
    log_tail : sequence of str
        The last lines of the engine's log, shown on a click.
    browser_path : str, optional
        Where a browser reaches the server, behind Jupyter.
    """
    body, lines = _body(view, browser_path)
    figure, after = _ending(view)
    about = _about(view)
    state = shapes.state(view.record.state)
    left = html.join(tag("span", state, " ", style="margin-right:8px"), html.soft(about))
    right = html.join(tag("strong", figure, style=f"color:{html.INK};{html.BOLD}"), after)
    top = html.head(view.record.name, left, right if figure or after else "")
    foot = html.part(*_foot(view, log_tail))
    said = f"{view.record.state} · {about}"
    text = t.head(view.record.name, said, figure + after) + lines + ["", *_foot_text(view)]
    return card(html.card(top, body, foot), text)


def _about(view: ServerView) -> str:
    return f"{view.record.plan.recipe_id} · {view.record.devices}"


def _ending(view: ServerView) -> tuple[str, str]:
    endings = {"starting": starting.ending, "running": ready.ending}
    return endings.get(view.record.state, ended.ending)(view)


def _body(view: ServerView, browser_path: str | None) -> tuple[Html, list[str]]:
    if view.record.state == "starting":
        return starting.body(view), starting.text(view)
    if view.record.state == "running":
        return ready.body(view, browser_path), ready.text(view, browser_path)
    said = ended.facts(view)
    return html.part(facts.rows(said, width=102, gap=8)), facts.lines(said)


def _foot(view: ServerView, log_tail: Sequence[str]) -> list[Html]:
    record = view.record
    if record.state == "starting":
        return [
            _log(view, log_tail),
            html.line(html.soft("Your kernel is free. ", html.prose(_stop(view)))),
        ]
    if record.state == "running":
        return [html.beside(_start(view), _log(view, log_tail)), _record(view)]
    trace = ended.traceback(ended.crash(view)) if record.state == "failed" else ()
    cleaned = html.soft(shapes.glyph("tick", html.GOOD), _cleaned_up(view))
    more = html.folded("Full traceback", html.log(trace)) if trace else ""
    return [
        html.line(cleaned) if _cleaned_up(view) else Html(""),
        html.beside(_log(view, log_tail), more),
    ]


def _stop(view: ServerView) -> str:
    stop = f"`%aim stop {words.argument(view.record.name)}`"
    return f"The server survives a kernel restart. Stop it with {stop}"


def _cleaned_up(view: ServerView) -> str:
    crash = view.record.crash
    return f"Cleaned up: {crash.cleaned_up}" if crash and crash.cleaned_up else ""


def _took(view: ServerView) -> str:
    done = [entry for entry in view.record.stages if entry.took_s is not None]
    return " · ".join(f"{entry.stage} {words.duration(entry.took_s)}" for entry in done)


def _start(view: ServerView) -> Html:
    if not _took(view):
        return Html("")
    return html.folded(f"Start: {_took(view)}", starting.table(view))


def _record(view: ServerView) -> Html:
    said = _recorded(view)
    return html.line(html.soft(html.prose(said))) if said else Html("")


def _recorded(view: ServerView) -> str:
    """Return the name that its answers carry, and what shows what stands behind it."""
    name = view.record.provenance
    more = f"`%aim provenance {words.argument(view.record.name)}`"
    return f"Record {name}: {more}" if name else ""


def _log(view: ServerView, log_tail: Sequence[str]) -> Html:
    said = f"Log, {words.plural(view.record.log_lines, 'line')}"
    latest = view.record.log_last if view.record.state == "starting" else ""
    shown = tag("span", html.code(latest), style="margin-left:4px") if latest else ""
    summary = html.join(said, shown, between=" ")
    if log_tail:
        return html.folded(summary, html.log(log_tail))
    more = f"`%aim logs {words.argument(view.record.name)}`"
    return html.line(html.soft(html.join(summary, "" if latest else html.prose(more), between=" ")))


def _foot_text(view: ServerView) -> list[str]:
    record = view.record
    logs = f"%aim logs {words.argument(record.name)}"
    lines = [_cleaned_up(view), f"Start: {_took(view)}" if record.state == "running" else ""]
    if record.state == "starting":
        lines += [record.log_last, t.prose(_stop(view))]
    if record.state == "running":
        lines.append(t.prose(_recorded(view)))
    return [*filter(None, lines), f"Log, {words.plural(record.log_lines, 'line')}: {logs}"]
