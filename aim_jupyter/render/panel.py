"""What the deploy panel shows beside its controls: pieces of HTML from the records alone."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from aim_jupyter.core.records import Choice, Gpu, Sample, ServerView
from aim_jupyter.render import devices, ended, facts, fitbar, grid, html, shapes, starting, words
from aim_jupyter.render.html import Html, tag
from aim_jupyter.render.shapes import Shape
from aim_jupyter.render.skeleton import piece

#: Recipes in the table: the best ones, and the chosen one wherever it stands.
MOST_LISTED = 5
_RIGHT = "text-align:right"
_HEADS = (
    *(("recipe", ""), ("verdict", ""), ("reason", "width:50%;white-space:normal")),
    *(("users", _RIGHT), ("precision", ""), ("GPUs", "")),
)


def note(text: str) -> Html:
    """Return a lesser sentence."""
    return piece(html.soft(html.prose(text), style=html.SMALL)) if text else Html("")


def label(text: str) -> Html:
    """Return the name of a row, as the controls' own descriptions look."""
    return piece(tag("div", text, style=f"{_RIGHT};line-height:28px"))


def line_box(line: str, *, old: bool = False) -> Html:
    """Return a command; one click selects it. An old one waits for the one that replaces it."""
    box = html.code_box(line)
    return piece(tag("div", box, style="opacity:0.5", aria_busy="true") if old else box)


def _todo(told: str) -> Html:
    """Return what to do: only a line is set as code."""
    mark, _, todo = told.partition(": ")
    return html.line(told) if mark != "Try" else html.line("Try: ", html.code(todo))


def problem(lines: Sequence[str]) -> Html:
    """Return what went wrong: what was found, and what to do; or a traceback."""
    if not lines:
        return Html("")
    sign = shapes.glyph("cross", html.BAD)
    if len(lines) > 2:  # noqa: PLR2004 - more than found and to do: a defect's traceback
        last = html.line(sign, html.strong(lines[-1]))
        return piece(tag("div", last, html.log(lines), role="alert"))
    first, *then = lines
    below = tag("div", *map(_todo, then), style="margin-left:22px")
    return piece(tag("div", html.line(sign, first), below, role="alert"))


# -- the Launch tab ------------------------------------------------------------------------------


def holder(gpu: Gpu, user: str | None, *, taken: bool) -> Html:
    """Return a GPU's memory and who holds it, below its button.

    Parameters
    ----------
    taken : bool
        Whether the plan would take it.
    """
    yours = devices.yours(gpu, user)
    said = devices.who(gpu, user)
    shown = html.join(html.strong("to be taken")) if taken else html.soft(said)
    style = f"{html.SMALL};overflow:hidden;text-overflow:ellipsis;white-space:nowrap"
    name = tag("div", shown, style=style, title=devices.held_for(gpu))
    bar = shapes.gpu_bar(gpu, devices.label(gpu, user), yours=yours, height=6)
    return piece(bar, name)


def choice_words(choice: Choice) -> str:
    """Return a recipe as the list of recipes has it."""
    parts = [str(choice.rank), choice.recipe.id, choice.verdict]
    if choice.users_fit is not None:
        parts.append(words.plural(round(choice.users_fit), "user"))
    parts += [choice.recipe.precision, _where(choice)]
    return " · ".join(filter(None, parts))


def recipes(choices: Sequence[Choice], chosen: Choice | None) -> Html:
    """Return the table of recipes, the chosen one on a ground of its own."""
    if not choices:
        return Html("")
    listed = list(choices[:MOST_LISTED])
    if chosen is not None and all(one.recipe.id != chosen.recipe.id for one in listed):
        listed[-1] = chosen
    name = chosen.recipe.id if chosen else None
    at = next((at for at, one in enumerate(listed) if one.recipe.id == name), None)
    rows = [_row(one, chosen=index == at) for index, one in enumerate(listed)]
    left = len(choices) - len(listed)
    more = html.line(html.soft(f"and {left} more in the list above", style=html.SMALL))
    return piece(grid.table(_HEADS, rows, at), more if left else "")


def _row(choice: Choice, *, chosen: bool) -> list[str]:
    name = choice.recipe.id
    shape = shapes.glyph("disc", html.BRAND, 4) if chosen else shapes.glyph("ring", "none", 4)
    return [
        html.join(shape, html.strong(name) if chosen else name),
        shapes.chip(choice.verdict),
        html.escape(choice.reason),
        words.number(choice.users_fit),
        choice.recipe.precision,
        _where(choice) or words.UNKNOWN,
    ]


def _where(choice: Choice) -> str:
    if choice.recipe.gpu_model == "cpu":
        return "CPU"
    return f"GPU {','.join(map(str, choice.gpus))}" if choice.gpus else ""


def fit(choice: Choice | None) -> Html:
    """Return the fit of the chosen recipe as a bar and its sum; nothing where it is not known."""
    if choice is None or fitbar.terms(choice) is None:
        return Html("")
    return piece(fitbar.bar(choice), fitbar.sentence(choice))


# -- the Servers tab -----------------------------------------------------------------------------


def server_words(view: ServerView) -> str:
    """Return a server as the list of servers has it."""
    record = view.record
    return f"{record.name} · {record.state} · {record.devices}"


def server(view: ServerView, history: Sequence[Sample] = ()) -> Html:
    """Return what is known of a server in the state that it is in."""
    state = view.record.state
    if state == "starting":
        return piece(_start(view))
    if state == "running":
        return piece(_running(view), _tiles(view, history), _figures(view))
    figure, after = ended.ending(view)
    figure = "" if figure == state else figure
    head = html.join(shapes.state(state), " ", html.soft(f"{figure}{after}".strip()))
    return piece(html.line(head, style="margin-bottom:8px"), _ended(view))


def _ended(view: ServerView) -> Html:
    return facts.rows(ended.facts(view), width=102, gap=8)


def _start(view: ServerView) -> Html:
    figure, after = starting.ending(view)
    right = html.join(html.strong(figure), html.soft(after))
    head = tag(
        "div",
        tag("span", shapes.state("starting")),
        tag("span", right),
        style="display:flex;justify-content:space-between;margin-bottom:8px",
    )
    done = starting.fraction(view)
    said = " ".join(filter(None, [view.record.stage, figure + after]))
    bar = shapes.progress(done or 0.0, said, height=8) if done is not None else Html("")
    cells = [_stage(one) for one in starting.stages(view)]
    style = "display:flex;flex-wrap:wrap;gap:8px 24px;margin-top:12px"
    return html.join(head, bar, tag("div", *cells, style=style, role="list"))


def _stage(stage: starting.Line) -> Html:
    shape: tuple[Shape, str] = ("tick", html.GOOD) if stage.begun else ("ring", html.OTHERS)
    if stage.now:
        shape = ("half", html.BRAND)
    name = html.strong(stage.stage) if stage.now else html.escape(stage.stage)
    said = tag("div", _stage_words(stage), style=f"color:{html.SOFT};{html.SMALL};margin-left:22px")
    return tag(
        "div",
        html.line(shapes.glyph(*shape), name),
        said,
        style="flex:1 1 104px;min-width:96px",
        role="listitem",
    )


def _stage_words(stage: starting.Line) -> str:
    last = "" if stage.last_s is None else f"last start {words.duration(stage.last_s)}"
    if not stage.begun:
        return last
    if stage.now:
        return stage.detail or f"{words.duration(stage.took_s)} so far"
    return " · ".join(filter(None, [stage.detail, words.duration(stage.took_s)]))


def _running(view: ServerView) -> Html:
    window = view.sample.window_s if view.sample else None
    over = f"over the last {words.limit(window)}" if window else ""
    left = html.join(
        shapes.state("running"), " ", html.soft(f"for {words.duration(view.uptime_s)}")
    )
    style = "display:flex;justify-content:space-between;margin-bottom:8px"
    return tag("div", tag("span", left), html.soft(over, style=html.SMALL), style=style)


class Tile(Struct, frozen=True, kw_only=True):
    """One figure with its recent past; `top` is the end of its scale, where it has one."""

    name: str
    figure: str
    unit: str
    past: Sequence[float | None]
    below: str
    top: float | None = None


def _tiles(view: ServerView, history: Sequence[Sample]) -> Html:
    now = view.sample or Sample(at=0.0)
    past = history or [now]
    running, waiting = words.number(now.req_running), words.number(now.req_waiting)
    tiles = [
        Tile(
            name="Output",
            figure=words.number(now.gen_tok_s),
            unit="tok/s",
            past=[one.gen_tok_s for one in past],
            below=f"{running} running · {waiting} waiting",
        ),
        Tile(
            name="Time to first token, p50",
            figure=words.number(now.ttft_p50_ms),
            unit="ms",
            past=[one.ttft_p50_ms for one in past],
            below=f"p95 {words.number(now.ttft_p95_ms, 'ms')}",
        ),
        Tile(
            name="Between tokens, p50",
            figure=_fine(now.itl_p50_ms),
            unit="ms",
            past=[one.itl_p50_ms for one in past],
            below=f"p95 {_fine(now.itl_p95_ms, ' ms')}",
        ),
        Tile(
            name="KV cache used",
            figure=words.number(now.kv_used_pct),
            unit="%",
            past=[one.kv_used_pct for one in past],
            below=_tokens(view),
            top=100.0,
        ),
    ]
    return tag("div", *map(_tile, tiles), style="display:flex;flex-wrap:wrap;gap:8px")


def _fine(value: float | None, unit: str = "") -> str:
    return words.UNKNOWN if value is None else f"{value:.1f}{unit}"


def _tile(tile: Tile) -> Html:
    figure = tag("span", tile.figure, style=f"font-size:18px;line-height:24px;{html.BOLD}")
    small = f"color:{html.SOFT};{html.SMALL}"
    return tag(
        "div",
        tag("div", tile.name, style=small),
        tag("div", figure, " ", html.soft(tile.unit, style=html.SMALL)),
        tag("div", shapes.spark(tile.past, top=tile.top), style="height:24px"),
        tag("div", tile.below, style=small),
        style=f"flex:1 1 150px;min-width:0;border:1px solid {html.LINE};border-radius:4px;"
        "padding:8px 12px",
    )


def _tokens(view: ServerView) -> str:
    total = view.record.facts.get("kv_tokens")
    used = view.sample.kv_used_pct if view.sample else None
    if total is None or used is None:
        return ""
    return f"{words.number(total * used / 100)} of {words.number(total)} tokens"


def _figures(view: ServerView) -> Html:
    now = view.sample or Sample(at=0.0)
    known = [
        ("Prefix cache hits", now.prefix_hit_pct, "%"),
        ("Requests done", now.req_done, ""),
        ("Failed", now.req_failed, ""),
        ("Preempted", now.preempted, ""),
        (f"{view.record.plan.devices} busy", now.busy_pct, "%"),
        ("Power", now.power_w, "W"),
        ("Temperature", now.temp_c, "°C"),
    ]
    shown = [
        tag("span", f"{name} ", html.strong(words.number(value, unit)))
        for name, value, unit in known
        if value is not None
    ]
    return tag("div", *shown, style="display:flex;flex-wrap:wrap;gap:4px 24px;margin-top:8px")


def addresses(view: ServerView) -> Html:
    """Return how to reach a running server: the cell for a client, and the endpoint."""
    record = view.record
    if record.state != "running":
        return Html("")
    client = f"client = %aim client {words.argument(record.name)}"
    pairs = [("Notebook", client), ("Endpoint", record.url or words.UNKNOWN)]
    boxes = [
        tag(
            "div",
            html.soft(name),
            tag("div", html.code_box(text), style="flex:1;min-width:0"),
            style="display:flex;gap:8px;align-items:center;flex:1 1 280px;min-width:0",
        )
        for name, text in pairs
    ]
    return piece(tag("div", *boxes, style="display:flex;flex-wrap:wrap;gap:8px 24px"))


def how_it_ends(view: ServerView) -> str:
    """Return what stops a server, and what does not."""
    if view.record.state == "starting":
        return "Closing this panel or restarting the kernel does not stop the server."
    if view.record.state != "running":
        return ""
    idle = view.record.plan.idle_s
    by_itself = (
        "Stops only when you stop it."
        if idle is None
        else f"Stops by itself after {words.limit(idle)} without requests."
    )
    return f"{by_itself} A stop answers running requests first."


def log(lines: Sequence[str]) -> Html:
    """Return the end of an engine's log."""
    return piece(html.log(lines) if lines else html.soft("The log is empty so far."))
