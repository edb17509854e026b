"""A curve through measured points: throughput over a latency, with a ring and a limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from aim_jupyter.render import html
from aim_jupyter.render.html import Html, tag

_Scale = Callable[[float], float]

#: The drawing, and what is left around it for numbers and names, in its own units.
_WIDTH, _HEIGHT = 640, 260
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 16, 24, 40
_STEPS = (1, 2, 2.5, 5, 10)
_TICKS = 5


class Point(NamedTuple):
    """A measured point, and what a pointer over it says."""

    x: float
    y: float
    told: str


def curve(
    points: Sequence[Point],
    *,
    names: tuple[str, str],
    label: str,
    ring: int | None = None,
    limit: float | None = None,
) -> Html:
    """Return a curve.

    Parameters
    ----------
    names : tuple of str
        Of what is on the x axis, and on the y axis.
    label : str
        What a screen reader says of it; the table beside it has the figures.
    ring : int, optional
        The point that is marked.
    limit : float, optional
        An x that should not be passed: the side beyond it is shaded.
    """
    wide = max([point.x for point in points] + ([limit] if limit else [])) or 1.0
    high = max(point.y for point in points) or 1.0
    across, up = _ticks(wide), _ticks(high)

    def x(value: float) -> float:
        return _LEFT + value / across[-1] * (_WIDTH - _LEFT - _RIGHT)

    def y(value: float) -> float:
        return _HEIGHT - _BOTTOM - value / up[-1] * (_HEIGHT - _TOP - _BOTTOM)

    drawn = [*_grid(across, up, x, y), *_names(names)]
    if limit is not None:
        drawn += _limit(x(limit), limit)
    drawn.append(
        tag(
            "polyline",
            points=" ".join(f"{x(point.x):.1f},{y(point.y):.1f}" for point in points),
            fill="none",
            stroke=html.BRAND,
            stroke_width="1.6",
        )
    )
    drawn += [_dot(x(point.x), y(point.y), point.told) for point in points]
    if ring is not None:
        at = points[ring]
        drawn.append(_ring(x(at.x), y(at.y)))
    style = "display:block;width:100%;max-width:640px;height:auto"
    box = f"0 0 {_WIDTH} {_HEIGHT}"
    return tag("svg", *drawn, viewBox=box, role="img", aria_label=label, style=style)


def _ticks(highest: float) -> list[float]:
    """Return round numbers from 0 to beyond the highest value."""
    power = 1.0
    while power * 10 * _TICKS < highest:
        power *= 10
    while power * _TICKS > highest:
        power /= 10
    step = next(power * each for each in _STEPS if power * each * _TICKS >= highest)
    return [step * count for count in range(_TICKS + 1)]


def _grid(across: Sequence[float], up: Sequence[float], x: _Scale, y: _Scale) -> list[Html]:
    lines = [
        tag(
            "line",
            x1=f"{_LEFT}",
            x2=f"{_WIDTH - _RIGHT}",
            y1=f"{y(value):.1f}",
            y2=f"{y(value):.1f}",
            stroke=html.LINE,
        )
        for value in up
    ]
    numbers = [_text(_LEFT - 8, y(value) + 4, f"{value:,.4g}", "end") for value in up]
    numbers += [_text(x(value), _HEIGHT - _BOTTOM + 16, f"{value:,.4g}") for value in across]
    return [*lines, *numbers]


def _names(names: tuple[str, str]) -> list[Html]:
    middle = (_LEFT + _WIDTH - _RIGHT) / 2
    return [_text(middle, _HEIGHT - 6, names[0]), _text(4, 12, names[1], "start")]


def _limit(at: float, limit: float) -> list[Html]:
    top, bottom = f"{_TOP}", f"{_HEIGHT - _BOTTOM}"
    beyond = tag(
        "rect",
        x=f"{at:.1f}",
        y=top,
        width=f"{max(0.0, _WIDTH - _RIGHT - at):.1f}",
        height=f"{_HEIGHT - _TOP - _BOTTOM}",
        fill=html.OTHERS,
        fill_opacity="0.08",
    )
    line = tag(
        "line",
        x1=f"{at:.1f}",
        x2=f"{at:.1f}",
        y1=top,
        y2=bottom,
        stroke=html.BAD,
        stroke_width="1.4",
        stroke_dasharray="4 3",
    )
    return [beyond, line, _text(at, _TOP - 6, f"wanted: {limit:,.4g}")]


def _dot(x: float, y: float, told: str) -> Html:
    title = tag("title", told)
    return tag("circle", title, cx=f"{x:.1f}", cy=f"{y:.1f}", r="3", fill=html.BRAND)


def _ring(x: float, y: float) -> Html:
    style = {"fill": "none", "stroke": html.INK, "stroke_width": "1.6"}
    return tag("circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r="8", **style)


def _text(x: float, y: float, said: str, anchor: str = "middle") -> Html:
    return tag(
        "text",
        said,
        x=f"{x:.1f}",
        y=f"{y:.1f}",
        text_anchor=anchor,
        fill=html.SOFT,
        style="font-size:11px",
    )
