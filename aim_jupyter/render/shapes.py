"""What cards draw: glyphs of states, bars, sparklines, verdict chips.

Each shape stands beside its word: a glyph is hidden from screen readers, a bar carries a label.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from aim_jupyter.core.records import Gpu, State, Verdict
from aim_jupyter.render import html
from aim_jupyter.render.html import Html, tag

Shape = Literal["tick", "cross", "triangle", "diamond", "disc", "half", "ring", "dashed"]

_WHITE = "#ffffff"
_STROKE = {"fill": "none", "stroke_width": "1.6"}

STATE_SHAPES: dict[State, tuple[Shape, str]] = {
    "starting": ("half", html.BRAND),
    "running": ("disc", html.GOOD),
    "stopping": ("half", html.OTHERS),
    "stopped": ("ring", html.OTHERS),
    "failed": ("cross", html.BAD),
    "unknown": ("dashed", html.OTHERS),
}
VERDICT_SHAPES: dict[Verdict, tuple[Shape, str]] = {
    "FITS": ("tick", html.GOOD),
    "TIGHT": ("triangle", html.CARE),
    "NO": ("cross", html.BAD),
}


def glyph(shape: Shape, color: str, gap: int = 8) -> Html:
    """Return a glyph of 14 px; its word must stand beside it."""
    drawn = {
        "tick": lambda: [_circle(6, fill=color), _path("M3.8 7.2 6.1 9.4 10.2 4.9", _WHITE)],
        "cross": lambda: [
            tag("rect", x="1", y="1", width="12", height="12", rx="1.5", fill=color),
            _path("M4.6 4.6 9.4 9.4M9.4 4.6 4.6 9.4", _WHITE),
        ],
        "triangle": lambda: [
            tag("path", d="M7 1 13.5 12.5H.5Z", fill=color),
            _path("M7 5V8.6M7 10V11.2", _WHITE),
        ],
        "diamond": lambda: [
            _path("M7 .9 13.1 7 7 13.1.9 7Z", color),
            _path("M7 4.2V7.6M7 9V10", color),
        ],
        "disc": lambda: [_circle(4.5, fill=color)],
        "half": lambda: [
            _circle(5, stroke=color, **_STROKE),
            tag("path", d="M7 2A5 5 0 0 1 7 12Z", fill=color),
        ],
        "ring": lambda: [_circle(4.2, stroke=color, **_STROKE)],
        "dashed": lambda: [_circle(5, stroke=color, stroke_dasharray="2 1.9", **_STROKE)],
    }[shape]()
    return tag(
        "svg",
        *drawn,
        viewBox="0 0 14 14",
        width="14",
        height="14",
        aria_hidden="true",
        style=f"width:14px;height:14px;max-width:none;vertical-align:-2px;margin-right:{gap}px",
    )


def _circle(radius: float, **attributes: str) -> Html:
    return tag("circle", cx="7", cy="7", r=f"{radius:g}", **attributes)


def _path(d: str, color: str) -> Html:
    return tag("path", d=d, stroke=color, **_STROKE)


def state(word: State) -> Html:
    """Return a server's state, shape and word."""
    return html.join(glyph(*STATE_SHAPES[word]), word)


def gpu_state(gpu: Gpu, *, yours: bool) -> Html:
    """Return a GPU's state, shape and word."""
    shapes: dict[str, tuple[Shape, str]] = {
        "free": ("ring", html.GOOD),
        "busy": ("disc", html.BRAND if yours else html.OTHERS),
        "unexplained": ("diamond", html.CARE),
        "hidden": ("dashed", html.OTHERS),
    }
    word = gpu.state or "unknown"
    return html.join(glyph(*shapes.get(word, ("dashed", html.OTHERS))), word)


def chip(verdict: Verdict) -> Html:
    """Return a verdict on a tinted ground."""
    shape, color = VERDICT_SHAPES[verdict]
    style = (
        f"display:inline-block;font-size:11px;{html.BOLD};line-height:20px;padding:0 8px 0 6px;"
        f"background:{html.mixed(color, 12)};white-space:nowrap"
    )
    return tag("span", glyph(shape, color, 5), verdict, style=style)


def hatched(color: str, gap: int = 3) -> str:
    """Return a striped ground, for what is there but not explained, or not certain."""
    stripes = f"{color} 0 {gap}px, {html.PAPER} {gap}px {2 * gap}px"
    return f"repeating-linear-gradient(-45deg, {stripes});box-shadow:inset 0 0 0 1px {color}"


def bar(parts: Sequence[tuple[float, str]], label: str, *, height: int = 8) -> Html:
    """Return a bar of parts, each a share of the whole and its ground, on a track.

    Parameters
    ----------
    label : str
        The same in words, for who can't see it.
    """
    filled = [
        tag(
            "span",
            style=f"width:{100 * min(1.0, share):.2f}%;min-width:1px;background:{ground};flex:none",
        )
        for share, ground in parts
        if share > 0
    ]
    style = f"display:flex;height:{height}px;background:{html.TRACK};overflow:hidden"
    return tag("div", *filled, style=style, role="img", aria_label=label)


def gpu_bar(gpu: Gpu, label: str, *, yours: bool, height: int = 8) -> Html:
    """Return the bar of a GPU's memory: solid when held, striped when unexplained."""
    if gpu.state == "hidden":
        style = f"height:{height}px;border:1px dashed {html.OTHERS};box-sizing:border-box"
        return tag("div", style=style, role="img", aria_label=label)
    color = html.BRAND if yours else html.OTHERS
    ground = hatched(html.CARE) if gpu.state == "unexplained" else color
    return bar([(share(gpu), ground)], label, height=height)


def share(gpu: Gpu) -> float:
    """Return the used part of a GPU's memory, 0 to 1; 0 where it is not known."""
    return (gpu.vram_used_bytes or 0) / gpu.vram_bytes if gpu.vram_bytes else 0.0


def progress(fraction: float, label: str, *, height: int = 5) -> Html:
    """Return a bar of what is done so far."""
    percent = round(100 * min(1.0, max(0.0, fraction)))
    inner = tag("div", style=f"width:{percent}%;height:{height}px;background:{html.BRAND}")
    return tag(
        "div",
        inner,
        style=f"height:{height}px;background:{html.TRACK};overflow:hidden",
        role="progressbar",
        aria_valuemin="0",
        aria_valuemax="100",
        aria_valuenow=str(percent),
        aria_valuetext=label,
    )


def spark(
    values: Sequence[float | None],
    *,
    top: float | None = None,
    second: Sequence[float | None] = (),
) -> Html:
    """Return a line through `values` above its shade, and a dashed one through `second`.

    Both share one scale, from 0 to `top`. A value that is not known is left out. It is as wide as
    its cell, and gives way first where there is little room.
    """
    largest = max([value for value in (*values, *second) if value is not None], default=0.0)
    scale = top or largest or 1.0
    points = _points(values, scale)
    if not points:
        return Html("")
    color = html.BRAND if largest else html.OTHERS
    first, last = points[0].split(",")[0], points[-1].split(",")[0]
    area = f"M{first},24L{'L'.join(points)}L{last},24Z"
    drawn = [tag("path", d=area, fill=color, fill_opacity="0.13"), _polyline(points, color)]
    if later := _points(second, scale):
        drawn.append(_polyline(later, html.OTHERS, stroke_dasharray="2 2"))
    return tag(
        "svg",
        *drawn,
        viewBox="0 0 100 24",
        preserveAspectRatio="none",
        aria_hidden="true",
        style="display:block;width:100%;height:24px",
    )


def _points(values: Sequence[float | None], scale: float) -> list[str]:
    step = 100 / max(1, len(values) - 1)
    return [
        f"{index * step:.1f},{23 - 20 * min(1.0, value / scale):.1f}"
        for index, value in enumerate(values)
        if value is not None
    ]


def _polyline(points: list[str], color: str, **attributes: str) -> Html:
    return tag(
        "polyline",
        points=" ".join(points),
        fill="none",
        stroke=color,
        stroke_width="1.2",
        vector_effect="non-scaling-stroke",
        **attributes,
    )
