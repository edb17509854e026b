"""The status card: GPUs, engine, servers, cache, next. What `%aim` alone shows."""

from __future__ import annotations

from aim_jupyter.core.records import EngineEnvironment, Gpu, ServerView, Status
from aim_jupyter.render import devices, grid, html, notes, servers, shapes, words
from aim_jupyter.render import text as t
from aim_jupyter.render.cache import totals_words
from aim_jupyter.render.card import Card, card
from aim_jupyter.render.html import Html, tag

#: Where what others ask for is answered.
_ANSWERS = "%aim ask shows the lines that answer"
_NO_GPU = (devices.NONE, devices.INSTEAD)
# At most eight a line: the GPUs of a node, or whole groups of partitions, stand below each other.
_TILE = "minmax(max(76px,11%),1fr)"
_TILES = f"display:grid;grid-template-columns:repeat(auto-fill,{_TILE});gap:8px 12px"
_TILE_WIDTH, _TILES_A_LINE = 20, 4


def status_card(status: Status) -> Card:
    """Return the card of `%aim`: five rows in fixed order, then what to run next."""
    read = f"read {words.clock(status.at)} in {words.milliseconds(status.read_s)}"
    return card(_html(status, read), _text(status, read))


def _html(status: Status, read: str) -> Html:
    machine = status.machine
    rows = [("GPUs", _gpus(status)), ("Engine", _engine(status.engine))]
    rows.append(("Servers", _servers(status.servers)))
    if status.cache:
        first, *rest = totals_words(status.cache)
        rows.append(("Cache", html.join(first, html.soft(*(f" · {fact}" for fact in rest)))))
    if status.asked:
        lines = (notes.asked(note, status.machine.gpus) for note in status.asked)
        rows.append(("Asked", html.join(*map(html.line, lines), html.soft(_ANSWERS))))
    if status.next:
        rows.append(("Next", _steps(status)))
    about = html.soft(f"{machine.host} · {devices.describe(machine)}")
    return html.card(html.head("", about, read), html.part(grid.rows(rows)))


def _gpus(status: Status) -> Html:
    if not status.machine.gpus:
        found, instead = _NO_GPU
        return html.join(html.line(found), html.line(html.soft(instead)))
    free, *rest = devices.counts(status.machine)
    tiles = [_tile(gpu, status.user) for gpu in status.machine.gpus]
    return html.join(
        html.line(html.dotted(html.strong(free), *rest)),
        tag("div", *tiles, style=f"{_TILES};margin-top:8px"),
    )


def _tile(gpu: Gpu, user: str | None) -> Html:
    yours = devices.yours(gpu, user)
    number = devices.ordinal(gpu)
    name = number if gpu.hip_index is None else f"GPU {number}"
    color = html.SOFT if gpu.state in ("busy", "hidden") and not yours else html.INK
    return tag(
        "div",
        tag("strong", name, style=f"{html.BOLD};display:block;line-height:18px"),
        " ",
        shapes.gpu_bar(gpu, devices.label(gpu, user), yours=yours),
        " ",
        tag("span", devices.who(gpu, user), style=f"color:{color};display:block;line-height:18px"),
        style=f"{html.SMALL};min-width:0",
    )


def _engine(environment: EngineEnvironment | None) -> Html:
    if environment is None:
        return html.join(shapes.glyph("triangle", html.CARE), "none found")
    name, platform, origin = _engine_facts(environment)
    if not environment.usable:
        found = html.dotted(name, html.soft(environment.reason or "can't serve"))
        return html.join(shapes.glyph("cross", html.BAD), found)
    called = html.code(environment.name) if _is_named(environment) else ""
    rest = html.soft(f" · {platform} · {origin} ", called)
    return html.join(shapes.glyph("tick", html.GOOD), name, rest)


def _is_named(environment: EngineEnvironment) -> bool:
    """Return whether the name says more than where it comes from."""
    return environment.name != environment.source


def _engine_facts(environment: EngineEnvironment) -> tuple[str, str, str]:
    return (
        words.engine(environment.engine, environment.version),
        words.platform(environment.platform),
        servers.origin(environment),
    )


def _servers(views: tuple[ServerView, ...]) -> Html:
    if not views:
        return html.soft("None running")
    return html.join(*(_server(view) for view in views))


def _server(view: ServerView) -> Html:
    record = view.record
    parts = [html.strong(record.name), shapes.state(record.state), record.devices]
    parts += servers.activity(view)
    if record.state == "running":
        parts.append(html.soft(servers.idle_stop(view)))
    cells = [tag("span", part, " ") for part in parts if part]
    return tag("div", *cells, style="display:flex;flex-wrap:wrap;gap:0 16px;line-height:20px")


def _steps(status: Status) -> Html:
    boxes = [
        tag(
            "div",
            tag("div", html.code_box(step.line), style="flex:0 1 330px;min-width:220px"),
            html.soft(step.what),
            style="display:flex;flex-wrap:wrap;align-items:center;gap:0 16px",
        )
        for step in status.next
    ]
    return tag("div", *boxes, style="display:grid;gap:8px")


def _text(status: Status, read: str) -> list[str]:
    about = f"{status.machine.host} · {devices.describe(status.machine, times='x')}"
    lines = t.head("", about, read) + t.row("GPUs", *_gpus_text(status))
    lines += t.row("Engine", _engine_text(status.engine))
    views = [_server_text(view) for view in status.servers]
    lines += t.row("Servers", *(views or ["none running"]))
    if status.cache:
        lines += t.row("Cache", " · ".join(totals_words(status.cache)))
    if status.asked:
        asked = (notes.asked(note, status.machine.gpus) for note in status.asked)
        lines += t.row("Asked", *asked, _ANSWERS)
    steps = [[t.bold(step.line), step.what] for step in status.next]
    return lines + t.row("Next", *t.columns(steps, [False, False], gap=4))


def _gpus_text(status: Status) -> list[str]:
    if not status.machine.gpus:
        return list(_NO_GPU)
    free, *rest = devices.counts(status.machine)
    tiles = [_tile_text(gpu, status.user) for gpu in status.machine.gpus]
    lines = [tiles[at : at + _TILES_A_LINE] for at in range(0, len(tiles), _TILES_A_LINE)]
    return [" · ".join([t.bold(free), *rest]), *("".join(line).rstrip() for line in lines)]


def _tile_text(gpu: Gpu, user: str | None) -> str:
    parts = [devices.ordinal(gpu), t.bar(gpu), devices.who(gpu, user)]
    tile = " ".join(filter(None, parts))
    return t.left(tile, max(_TILE_WIDTH, len(tile) + 3))


def _engine_text(environment: EngineEnvironment | None) -> str:
    if environment is None:
        return "none found"
    name, platform, origin = _engine_facts(environment)
    if not environment.usable:
        return f"{name} · not usable: {environment.reason or 'no reason known'}"
    called = f" {environment.name}" if _is_named(environment) else ""
    return f"{name} · {platform} · {origin}{called}"


def _server_text(view: ServerView) -> str:
    record = view.record
    parts = [record.state, record.devices, *servers.activity(view)]
    if record.state == "running":
        parts.append(servers.idle_stop(view))
    return f"{record.name}  {' · '.join(filter(None, parts))}"
