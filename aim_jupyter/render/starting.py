"""The body of a launch card while the server starts: each stage, what it took, what it takes."""

from __future__ import annotations

import time

from msgspec import Struct

from aim_jupyter.core.records import STAGES, ServerView, Stage, StageTime
from aim_jupyter.render import grid, html, shapes, words
from aim_jupyter.render import text as t
from aim_jupyter.render.html import Html, tag
from aim_jupyter.render.shapes import Shape

# Of these it is known beforehand that they come; the others may be left out by the engine.
_CERTAIN: tuple[Stage, ...] = ("boot", "load", "ready")
_RIGHT = "text-align:right;width:64px"
_WIDE = "width:100%;white-space:normal"
_TOP = "vertical-align:top"


class Line(Struct, frozen=True, kw_only=True):
    """One stage as the card shows it; `took_s` is None before it began."""

    stage: Stage
    now: bool = False
    took_s: float | None = None
    last_s: float | None = None
    detail: str = ""
    fraction: float | None = None

    @property
    def begun(self) -> bool:
        """Whether it runs or has ended."""
        return self.took_s is not None


def elapsed(view: ServerView) -> float:
    """Return how long the start has taken so far, in seconds."""
    return max(0.0, _now(view) - view.record.created_at)


def fraction(view: ServerView) -> float | None:
    """Return how far the whole start is, None where no earlier start tells."""
    spent = elapsed(view)
    return spent / total if view.eta_s is not None and (total := spent + view.eta_s) else None


def stages(view: ServerView) -> list[Line]:
    """Return the stages that were, the one that is, and those that will come."""
    record = view.record
    seen = {entry.stage: entry for entry in record.stages}
    latest = STAGES.index(record.stage) if record.stage else -1
    coming = [
        stage
        for stage in STAGES[latest + 1 :]
        if stage in record.expected_s
        or (not record.expected_s and (stage in _CERTAIN or _downloads(view, stage)))
    ]
    return [
        _line(view, seen.get(stage), stage) for stage in STAGES if stage in seen or stage in coming
    ]


def _downloads(view: ServerView, stage: Stage) -> bool:
    return stage == "download" and view.record.plan.download is not None


def _line(view: ServerView, entry: StageTime | None, stage: Stage) -> Line:
    last = view.record.expected_s.get(stage)
    if entry is None:
        return Line(stage=stage, last_s=last)
    if entry.took_s is not None:
        return Line(stage=stage, took_s=entry.took_s, last_s=last, detail=entry.detail)
    took = max(0.0, _now(view) - entry.began_at)
    left = _left(took, last, entry.fraction)
    return Line(
        stage=stage,
        now=True,
        took_s=took,
        last_s=last,
        detail=" · ".join(filter(None, [entry.detail, left])),
        fraction=entry.fraction,
    )


def _left(took: float, last: float | None, done: float | None) -> str:
    if last is not None:
        left = last - took
    elif done:
        left = took * (1 - done) / done
    else:
        return ""
    return f"about {words.duration(left)} left" if left >= 1 else ""


def _now(view: ServerView) -> float:
    return time.time() if view.at is None else view.at


def ending(view: ServerView) -> tuple[str, str]:
    """Return the right side of the head: the figure that matters, and what is said after it."""
    left = "" if view.eta_s is None else f" · about {words.duration(view.eta_s)} left"
    return words.duration(elapsed(view)), f" so far{left}"


def body(view: ServerView) -> Html:
    """Return the progress line and the table of stages."""
    return html.join(_progress(view), html.part(table(view), first=True))


def table(view: ServerView) -> Html:
    """Return the stages with what each took, and took last time where that is known."""
    heads = [("", f"{_TOP};padding-right:0"), ("stage", _TOP), ("", f"{_TOP};{_WIDE}")]
    heads += [("took", f"{_TOP};{_RIGHT}"), ("last start", f"{_TOP};{_RIGHT}")]
    shown = len(heads) if view.record.expected_s else len(heads) - 1
    return grid.table(heads[:shown], [_cells(line)[:shown] for line in stages(view)])


def _progress(view: ServerView) -> Html:
    done = fraction(view)
    if done is None:
        return tag("div", style=f"border-top:1px solid {html.LINE}")
    return shapes.progress(
        done, " ".join(filter(None, [view.record.stage, *ending(view)])), height=2
    )


def _cells(line: Line) -> list[str]:
    shape: tuple[Shape, str] = ("tick", html.GOOD) if line.begun else ("ring", html.OTHERS)
    if line.now:
        shape = ("half", html.BRAND)
    took = words.duration(line.took_s) if line.begun else ""
    last = words.duration(line.last_s) if line.last_s is not None else ""
    name = html.strong(line.stage) if line.now else html.escape(line.stage)
    return [shapes.glyph(*shape), name, _detail(line), took, html.soft(last)]


def _detail(line: Line) -> Html:
    if not line.now or line.fraction is None:
        return html.escape(line.detail)
    bar = shapes.progress(line.fraction, f"{line.stage}, {line.detail}")
    return html.join(line.detail, tag("div", bar, style="max-width:400px;padding:4px 0 2px"))


def text(view: ServerView) -> list[str]:
    """Return the stages as text."""
    known = bool(view.record.expected_s)
    rows = [["", "stage", "", "took", *(["last start"] if known else [])]]
    for line in stages(view):
        mark = (t.STRIPED if line.now else t.FULL) if line.begun else t.EMPTY
        name = t.bold(line.stage) if line.now else line.stage
        took = words.duration(line.took_s) if line.begun else ""
        last = words.duration(line.last_s) if line.last_s is not None else ""
        rows.append([mark, name, line.detail, took, last][: len(rows[0])])
    numeric = [False, False, False, True, True][: len(rows[0])]
    done = fraction(view)
    progress = [] if done is None else [t.progress(done, 40), ""]
    return progress + t.columns(rows, numeric)


def progress_line(view: ServerView) -> str:
    """Return how far a start is, in one line of text: for who waits for it."""
    record = view.record
    parts: list[str] = [record.state, *([record.stage] if record.stage else [])]
    if record.state == "starting":
        parts += [line.detail for line in stages(view) if line.now and line.detail]
        parts += ["".join(ending(view)).strip()]
    elif record.ready_at is not None:
        parts = [record.state, f"ready in {words.duration(record.ready_at - record.created_at)}"]
    return words.clean(f"{record.name}  {' · '.join(parts)}")
