"""The card of `%aim top`: what every server and every GPU does right now, with its recent past."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from aim_jupyter.core.records import Gpu, Machine, Sample, ServerView
from aim_jupyter.render import devices, grid, html, mapping, servers, shapes, words
from aim_jupyter.render import text as t
from aim_jupyter.render.card import Card, card
from aim_jupyter.render.html import Html
from aim_jupyter.work.records import Look

History = Mapping[str, Sequence[Sample]]

_RIGHT = "text-align:right"
_SERVER_HEADS = (
    *(("server", ""), ("state", ""), ("GPU", "")),
    *(("tok/s", _RIGHT), ("", "width:12%"), ("KV %", _RIGHT), ("", "width:9%")),
    *(("TTFT p50 ms", f"{_RIGHT};white-space:normal"), ("p95 ms", _RIGHT), ("", "width:10%")),
    *(("run / wait", _RIGHT), ("idle stop", _RIGHT)),
)
_MAP_HEADS = (
    *(("map", ""), ("server", ""), ("rows done", _RIGHT), ("failed", _RIGHT)),
    *(("rows/s", _RIGHT), ("left", "")),
)
_GPU_HEADS = (
    *(("GPU", _RIGHT), ("VRAM", "width:26%"), ("used GiB", _RIGHT), ("busy %", _RIGHT)),
    *(("power W", _RIGHT), ("temp °C", _RIGHT), ("holder", "width:32%;white-space:normal")),
)
# A terminal shows the columns' own names, which are what scripts read.
_SERVER_NAMES = (
    *("server", "state", "gpus", "gen_tok_s", "", "kv_used_pct", "", "ttft_p50_ms"),
    *("ttft_p95_ms", "req_running", "req_waiting", "idle_left_s"),
)
_GPU_NAMES = ("gpu", "", "vram_used_gib", "busy_pct", "power_w", "temp_c", "holder")
#: What a narrow terminal leaves out, least needed first, as places in the names.
_SERVER_DROPS, _GPU_DROPS = (6, 4, 8, 10, 11, 1), (5, 4, 3)
#: Cells of a GPU's bar, in a terminal of so many characters and in a narrower one.
_BAR, _SMALL_BAR, _ROOMY = 26, 12, 100


def top_card(
    views: Sequence[ServerView],
    machine: Machine,
    history: History,
    *,
    at: float,
    user: str | None = None,
    every_s: float = 2.0,
    past_s: float = 120.0,
    for_s: float | None = 600.0,
    maps: Sequence[Look] = (),
    width: int = 1000,
) -> Card:
    """Return the card of all servers and GPUs at one moment.

    Parameters
    ----------
    history : mapping of server name to samples, oldest first
        What the sparklines are drawn from.
    at : float
        Now, in seconds since the epoch.
    every_s, past_s, for_s : float
        How often it is updated, how much past the history holds, for how long it goes on; None
        where it does not go on.
    maps : sequence of Look
        Maps over tables that run now, of any process.
    width : int
        Characters of a line of its text.
    """
    every = f"every {words.limit(every_s)}"
    about = f"{machine.host} · {every}, sparklines show {words.limit(past_s)}"
    right = _goes_on(at, for_s)
    steps = round(past_s / every_s)
    past = {name: _padded(samples, steps) for name, samples in history.items()}
    shown = [html.part(_servers(views, past))]
    shown += [html.part(_maps(maps))] if maps else []
    if gpus := _seen(machine):
        shown.append(html.part(_gpus(gpus, user)))
    facts = f"{machine.host} · {devices.describe(machine, times='x')} · {every}"
    text = t.head("top", f"{facts} · {words.clock(at)}")
    text += _servers_text(views, past, width)
    text += ["", *map(mapping.map_line, maps)] if maps else []
    text += ["", *_gpus_text(gpus, user, width)] if gpus else []
    return card(html.card(html.head("top", html.soft(about), right), *shown), text)


def _goes_on(at: float, for_s: float | None) -> Html:
    if for_s is None:
        return html.join(f"as of {words.clock(at)} · again: ", html.code("%aim top"))
    return html.join(
        f"{words.clock(at)} · updates for {words.limit(for_s)}, kernel is free · end: ",
        html.code("%aim top --off"),
    )


def _padded(samples: Sequence[Sample], steps: int) -> Sequence[Sample]:
    """Return so many samples that all lines have one scale of time: a young server's is short."""
    return [*[Sample(at=0.0)] * (steps - len(samples)), *samples]


def _seen(machine: Machine) -> list[Gpu]:
    return [gpu for gpu in machine.gpus if gpu.state != "hidden"]


def _servers(views: Sequence[ServerView], history: History) -> Html:
    if not views:
        return html.soft("No server runs.")
    return grid.table(_SERVER_HEADS, [_server(view, history) for view in views])


def _server(view: ServerView, history: History) -> list[str]:
    record, now = view.record, view.sample or Sample(at=0.0)
    past = history.get(record.name, ())
    return [
        html.strong(record.name),
        shapes.state(record.state),
        html.escape(record.devices.removeprefix("GPU ")),
        words.number(now.gen_tok_s),
        shapes.spark([sample.gen_tok_s for sample in past]),
        words.number(now.kv_used_pct),
        shapes.spark([sample.kv_used_pct for sample in past], top=100.0),
        words.latency(now, "ttft", "p50"),
        words.latency(now, "ttft", "p95"),
        shapes.spark(
            [sample.ttft_p50_ms for sample in past],
            second=[sample.ttft_p95_ms for sample in past],
        ),
        f"{words.number(now.req_running)} / {words.number(now.req_waiting)}",
        _idle(view),
    ]


def _maps(looks: Sequence[Look]) -> Html:
    rows = [
        [
            html.strong(look.run.id),
            html.escape(", ".join(look.run.servers)),
            f"{look.run.done:,} of {look.run.rows:,}",
            f"{look.run.failed:,}",
            mapping.rate(look.rows_s),
            html.escape(mapping.eta(look)),
        ]
        for look in looks
    ]
    return grid.table(_MAP_HEADS, rows)


def _idle(view: ServerView) -> str:
    if view.record.state != "running":
        return servers.left(view) or words.UNKNOWN
    if view.record.plan.idle_s is None:
        return "never"
    return "active" if view.idle_left_s is None else f"{words.limit(view.idle_left_s)} left"


def _gpus(gpus: Sequence[Gpu], user: str | None) -> Html:
    sizes = {gpu.vram_bytes for gpu in gpus}
    vram = f"VRAM of {words.gib(sizes.pop())}" if len(sizes) == 1 else "VRAM"
    heads = [(vram if name == "VRAM" else name, style) for name, style in _GPU_HEADS]
    return grid.table(heads, [_gpu(gpu, user) for gpu in gpus])


def _gpu(gpu: Gpu, user: str | None) -> list[str]:
    yours = devices.yours(gpu, user)
    return [
        html.strong(devices.ordinal(gpu)),
        shapes.gpu_bar(gpu, devices.label(gpu, user), yours=yours),
        *_figures(gpu),
        html.soft(_holder(gpu, user)) if gpu.state == "free" else _holder(gpu, user),
    ]


def _figures(gpu: Gpu) -> list[str]:
    figures = [words.number(value) for value in (gpu.busy_pct, gpu.power_w, gpu.temp_c)]
    return [words.gib(gpu.vram_used_bytes, ""), *figures]


def _holder(gpu: Gpu, user: str | None) -> str:
    if gpu.state == "unexplained":
        return "unexplained: no visible process"
    held = [devices.holder(gpu, user), devices.held_for(gpu)]
    said = " · ".join(filter(None, held)) or devices.who(gpu, user)
    return f"{said}, no lease" if devices.unleased(gpu) else said


def _servers_text(views: Sequence[ServerView], history: History, width: int) -> list[str]:
    if not views:
        return ["No server runs."]
    lines = [list(map(_head, _SERVER_NAMES)), *(_server_text(view, history) for view in views)]
    numeric = [name.endswith(("_s", "_pct", "_ms")) or "req_" in name for name in _SERVER_NAMES]
    return t.without(lines, numeric, _SERVER_DROPS, width)


def _server_text(view: ServerView, history: History) -> list[str]:
    record, now = view.record, view.sample or Sample(at=0.0)
    past = history.get(record.name, ())
    return [
        t.bold(record.name),
        t.good(record.state) if record.state == "running" else record.state,
        ",".join(map(str, record.plan.gpus)) or "cpu",
        words.bare(now.gen_tok_s),
        t.spark([sample.gen_tok_s for sample in past], 12),
        words.bare(now.kv_used_pct),
        t.spark([sample.kv_used_pct for sample in past], 8, top=100.0),
        *(words.latency(now, "ttft", part).replace(",", "") for part in ("p50", "p95")),
        *map(words.bare, (now.req_running, now.req_waiting)),
        words.bare(view.idle_left_s),
    ]


def _gpus_text(gpus: Sequence[Gpu], user: str | None, width: int) -> list[str]:
    cells = _BAR if width >= _ROOMY else _SMALL_BAR
    lines = [
        [devices.ordinal(gpu), _bar(gpu, user, cells), *_figures(gpu), _holder_text(gpu, user)]
        for gpu in gpus
    ]
    numeric = [True, False, True, True, True, True, False]
    return t.without([list(map(_head, _GPU_NAMES)), *lines], numeric, _GPU_DROPS, width)


def _bar(gpu: Gpu, user: str | None, cells: int) -> str:
    drawn = t.bar(gpu, cells)
    if gpu.state == "unexplained":
        return t.care(drawn)
    return t.yours(drawn) if devices.yours(gpu, user) else drawn


def _holder_text(gpu: Gpu, user: str | None) -> str:
    said = _holder(gpu, user)
    if gpu.state == "unexplained":
        return t.care(said)
    return t.bold("you") + said.removeprefix("you") if devices.yours(gpu, user) else said


def _head(name: str) -> str:
    return t.faint(name) if name else ""
