"""The card of a bench: its levels, the one to work at, and the curve that they make."""

from __future__ import annotations

from aim_jupyter.render import grid, html, shapes, words
from aim_jupyter.render import text as t
from aim_jupyter.render.card import Card, card
from aim_jupyter.render.curve import Point, curve
from aim_jupyter.render.html import Html
from aim_jupyter.render.shapes import Shape
from aim_jupyter.work.bench.search import within
from aim_jupyter.work.records import BenchRun, Level

_RIGHT = "text-align:right"
_HEADS = (
    *("at once", "tok/s", "per GPU", "TTFT p50 ms", "TTFT p95 ms", "ITL p95 ms", "e2e p95 ms"),
    *("J/token", "failed", ""),
)
#: Points from which on a curve says more than its table.
_CURVE = 3
#: Percent of prompt tokens found in the prefix cache from which on prompts were not unlike enough.
_HITS = 5.0


def bench_card(run: BenchRun) -> Card:
    """Return the card of a bench."""
    load = f"{run.workload.tokens_in:,} tokens in, {run.workload.tokens_out:,} out"
    engine = words.engine(run.served.engine, run.served.engine_version)
    about = [run.served.model, load, engine]
    levels = words.plural(len(run.levels), "level")
    right = f"run {run.id} · {levels} · {words.duration(run.took_s)}"
    rows = [_cells(run, level) for level in run.levels]
    chosen = next((at for at, one in enumerate(run.levels) if one.at_once == run.best), None)
    said = _said(run)
    heads = [(name, _RIGHT if name else "") for name in _HEADS]
    body = [
        [*map(html.escape, cells), _chip(run, level)]
        for cells, level in zip(rows, run.levels, strict=True)
    ]
    parts = [html.part(grid.table(heads, body, chosen), *map(html.line, said))]
    if len(run.levels) >= _CURVE and all(level.ttft.p95 is not None for level in run.levels):
        parts.append(html.part(_curve(run, chosen)))
    top = html.head("bench", html.dotted(html.strong(about[0]), *about[1:]), right)
    lines = t.head("bench", " · ".join([t.bold(about[0]), *about[1:]]), right)
    table = [[*cells, _verdict(run, level)] for cells, level in zip(rows, run.levels, strict=True)]
    lines += t.columns([list(_HEADS), *table], [True] * (len(_HEADS) - 1) + [False])
    return card(html.card(top, *parts), [*(line.rstrip() for line in lines), "", *said])


def _cells(run: BenchRun, level: Level) -> list[str]:
    rate, power = level.gen_tok_s, level.engine.get("power_w")
    return [
        f"{level.at_once:,}",
        _figure(rate),
        _figure(rate / run.gpus if run.gpus else None),
        *(_figure(each) for each in (level.ttft.p50, level.ttft.p95)),
        *(_figure(each) for each in (level.itl.p95, level.e2e.p95)),
        f"{power / rate:.2f}" if power is not None and rate else words.UNKNOWN,
        f"{level.failed:,}",
    ]


def _figure(value: float | None) -> str:
    if value is None:
        return words.UNKNOWN
    return f"{value:,.1f}" if value < 100 else f"{value:,.0f}"  # noqa: PLR2004 - three digits


def _verdict(run: BenchRun, level: Level) -> str:
    """Return what is to be said of a level: which is the best, and what others exceed."""
    if level.at_once == run.best:
        return "best within what is wanted" if run.workload.limited else "knee"
    if not run.workload.limited or within(level, run.workload):
        return ""
    limits = (
        ("TTFT", level.ttft.p95, run.workload.ttft_ms),
        ("ITL", level.itl.p95, run.workload.itl_ms),
    )
    over = [
        f"{name} over by {_figure(took - limit)} ms"
        for name, took, limit in limits
        if took is not None and limit is not None and took > limit
    ]
    return ", ".join(over) or f"{level.failed:,} failed"


def _chip(run: BenchRun, level: Level) -> Html:
    said = _verdict(run, level)
    if not said:
        return html.escape("")
    shape: tuple[Shape, str] = (
        ("tick", html.GOOD) if level.at_once == run.best else ("cross", html.BAD)
    )
    return html.join(shapes.glyph(*shape, gap=4), said)


def _said(run: BenchRun) -> list[str]:
    said = [_sentence(run)]
    hits = max((one.engine.get("prefix_hit_pct", 0.0) for one in run.levels), default=0.0)
    if hits >= _HITS:
        said.append(f"Up to {hits:.0f} % of the prompts' tokens were found in the prefix cache.")
    others = sum(one.engine.get("others", 0.0) for one in run.levels)
    if others:
        many = words.plural(round(others), "request")
        said.append(f"{many} of others came in between: the figures hold with them.")
    preempted = sum(one.engine.get("preempted", 0.0) for one in run.levels)
    if preempted:
        said.append(f"The engine put off {words.plural(round(preempted), 'request')}.")
    return [*said, f"Lengths: {run.workload.of}. Sent by {run.workload.client}."]


def _sentence(run: BenchRun) -> str:
    best = next((level for level in run.levels if level.at_once == run.best), None)
    wanted = [
        f"{name} p95 under {_figure(limit)} ms"
        for name, limit in (("TTFT", run.workload.ttft_ms), ("ITL", run.workload.itl_ms))
        if limit is not None
    ]
    if best is None:
        return f"No level keeps {' and '.join(wanted)}." if wanted else "Nothing was answered."
    rate = f"{best.at_once:,} at once, {_figure(best.gen_tok_s)} tok/s"
    if wanted:
        return f"Best with {' and '.join(wanted)}: {rate}."
    return f"Knee: {rate}. Past it, waiting grows faster than tokens a second."


def _curve(run: BenchRun, chosen: int | None) -> Html:
    points = [
        Point(
            level.ttft.p95 or 0.0,
            level.gen_tok_s,
            f"{level.at_once} at once: {_figure(level.ttft.p95)} ms, "
            f"{_figure(level.gen_tok_s)} tok/s",
        )
        for level in run.levels
    ]
    return curve(
        points,
        names=("TTFT p95, ms", "output tok/s"),
        label=f"Throughput over time to first token. {_sentence(run)}",
        ring=chosen,
        limit=run.workload.ttft_ms,
    )
