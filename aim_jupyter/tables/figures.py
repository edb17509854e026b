"""A server's past as a figure. The only module that knows matplotlib, an optional extra."""

from __future__ import annotations

import importlib.util
import io
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from aim_jupyter.core import api
from aim_jupyter.core.errors import BadUsage, StateUnusable
from aim_jupyter.core.records import Sample
from aim_jupyter.core.sizes import GIB

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: The endings of the files that a figure can be written to.
FORMATS = ("png", "svg", "pdf")

# What matplotlib draws with, and what takes its place where the page knows its theme.
_INK, _SOFT, _GRID, _BLUE, _GREY = "#212121", "#616161", "#e0e0e0", "#1976d2", "#8a8a8a"
_THEMED = {
    _INK: "var(--jp-ui-font-color1, var(--vscode-editor-foreground, #212121))",
    _SOFT: "var(--jp-ui-font-color2, var(--vscode-descriptionForeground, #616161))",
    _GRID: "var(--jp-border-color2, var(--vscode-panel-border, #e0e0e0))",
    _BLUE: "var(--jp-brand-color1, var(--vscode-textLink-foreground, #1976d2))",
}
_STYLE: Any = {
    "axes.edgecolor": _GRID,
    "axes.labelcolor": _SOFT,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": _INK,
    "axes.titlelocation": "left",
    "axes.titlesize": 9,
    "axes.titleweight": "bold",
    "axes.xmargin": 0.0,
    "font.family": "sans-serif",
    "font.size": 8,
    "grid.color": _GRID,
    "grid.linewidth": 0.6,
    "legend.fontsize": 8,
    "legend.frameon": False,
    "legend.labelcolor": _SOFT,
    "lines.linewidth": 1.4,
    "lines.solid_joinstyle": "round",
    # Text stays text: it is searched, read aloud, and takes the page's own font.
    "svg.fonttype": "none",
    "svg.hashsalt": "aim",
    "xtick.color": _SOFT,
    "ytick.color": _SOFT,
}


#: What is shown on each side of a past that is one reading.
_MOMENT = timedelta(seconds=30)


class Line(NamedTuple):
    """One line of a chart: what it shows, its name, whether it is the lesser one."""

    of: Callable[[Sample], float | None]
    name: str
    lesser: bool = False


class Chart(NamedTuple):
    """One chart: its title with the unit, its lines, the highest value if that is known."""

    title: str
    lines: tuple[Line, ...]
    top: float | None = None
    whole: bool = False


def _gib(size: float | None) -> float | None:
    return None if size is None else size / GIB


_CHARTS = (
    Chart(
        "Tokens, tok/s",
        (Line(lambda s: s.gen_tok_s, "out"), Line(lambda s: s.prompt_tok_s, "in", lesser=True)),
    ),
    Chart(
        "Requests",
        (
            Line(lambda s: s.req_running, "running"),
            Line(lambda s: s.req_waiting, "waiting", lesser=True),
        ),
        whole=True,
    ),
    Chart(
        "Time to first token, ms",
        (Line(lambda s: s.ttft_p50_ms, "p50"), Line(lambda s: s.ttft_p95_ms, "p95", lesser=True)),
    ),
    Chart(
        "Between tokens, ms",
        (Line(lambda s: s.itl_p50_ms, "p50"), Line(lambda s: s.itl_p95_ms, "p95", lesser=True)),
    ),
    Chart(
        "KV cache and prefix hits, %",
        (
            Line(lambda s: s.kv_used_pct, "KV used"),
            Line(lambda s: s.prefix_hit_pct, "prefix hits", lesser=True),
        ),
        100.0,
    ),
)
_GPU = (
    Chart("GPU busy, %", (Line(lambda s: s.busy_pct, "busy"),), 100.0),
    Chart("GPU power, W", (Line(lambda s: s.power_w, "power"),)),
    Chart("VRAM used, GiB", (Line(lambda s: _gib(s.vram_used_bytes), "VRAM"),)),
)
_CPU = (Chart("CPU, % of one core", (Line(lambda s: s.cpu_pct, "CPU"),)),)


def plot(server: str | None, past: Sequence[Sample], to: Path | None = None) -> Plot:
    """Return the figure of what a server did, written to a file if one is named."""
    made = Plot(api.server(server).name, past)
    if to is not None:
        made.save(to)
    return made


class Plot:
    """A figure of a server's past: shown by a notebook in its own theme, written by `save`.

    Parameters
    ----------
    name : str
        Of the server.
    past : sequence of Sample
        Oldest first.

    Attributes
    ----------
    figure : matplotlib.figure.Figure
        To change as one likes.

    Raises
    ------
    BadUsage
        If matplotlib is not installed, or there is nothing to show.
    """

    def __init__(self, name: str, past: Sequence[Sample]) -> None:
        if importlib.util.find_spec("matplotlib") is None:
            raise BadUsage(
                "A plot needs matplotlib, which is not installed in this environment.",
                "%pip install matplotlib",
            )
        if not past:
            raise BadUsage(f"There is no history of {name!r} yet.", f"%aim metrics {name}")
        self.name = name
        self.figure = _draw(name, past)
        self._about = _about(name, past)

    def save(self, path: Path) -> None:
        """Write the figure as PNG, SVG or PDF, whatever the name of the file ends in.

        Raises
        ------
        BadUsage
            If it ends in something else.
        StateUnusable
            If the file can't be written.
        """
        if path.suffix.removeprefix(".").lower() not in FORMATS:
            raise BadUsage(f"{path} is no PNG, SVG or PDF.", f"--to {path.stem or 'plot'}.png")
        try:
            self.figure.savefig(path, dpi=160)
        except OSError as error:
            raise StateUnusable(
                f"{path}: {error.strerror or error}.", "name a file that you can write"
            ) from error

    def __repr__(self) -> str:
        return f"Plot({self._about})"

    def _repr_mimebundle_(self, **_: object) -> dict[str, object]:
        # Where styles and SVG are removed (an untrusted notebook), the picture is what remains.
        return {
            "text/plain": repr(self),
            "text/html": _themed(self._written("svg")),
            "image/png": self._written("png"),
        }

    def _written(self, kind: str) -> bytes:
        import matplotlib as mpl  # noqa: PLC0415 - as above

        buffer = io.BytesIO()
        # The same figure is the same file: no date in it.
        dated = {"metadata": {"Date": None}, "transparent": True} if kind == "svg" else {}
        with mpl.rc_context(_STYLE):
            self.figure.savefig(buffer, format=kind, dpi=120, **dated)
        return buffer.getvalue()


def _draw(name: str, past: Sequence[Sample]) -> Any:
    import matplotlib as mpl  # noqa: PLC0415 - half a second that only a plot may cost
    from matplotlib.dates import AutoDateLocator, ConciseDateFormatter  # noqa: PLC0415
    from matplotlib.figure import Figure  # noqa: PLC0415 - without pyplot: no state is changed

    charts = [*_CHARTS, *(_GPU if any(s.busy_pct is not None for s in past) else _CPU)]
    rows = -(-len(charts) // 2)
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(9.6, 0.5 + 1.75 * rows), layout="constrained")
        figure.suptitle(_about(name, past), x=0.01, ha="left", fontsize=9, color=_SOFT)
        axes = figure.subplots(rows, 2, sharex=True, squeeze=False).flatten()
        zone = datetime.now().astimezone().tzinfo
        at = [datetime.fromtimestamp(sample.at, zone) for sample in past]
        for axis, chart in zip(axes, charts, strict=False):
            _chart(axis, chart, at, past)
            if at[0] == at[-1]:
                # Of a single moment matplotlib would show four years.
                axis.set_xlim(at[0] - _MOMENT, at[0] + _MOMENT)
            locator = AutoDateLocator(maxticks=7, tz=zone)
            axis.xaxis.set_major_locator(locator)
            axis.xaxis.set_major_formatter(ConciseDateFormatter(locator, tz=zone))
        for axis in axes[len(charts) :]:
            axis.set_visible(False)
    return figure


def _chart(axis: Axes, chart: Chart, at: list[datetime], past: Sequence[Sample]) -> None:
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415 - as above

    moments: Any = at
    for line in chart.lines:
        values: Any = [line.of(sample) for sample in past]
        values = [float("nan") if value is None else value for value in values]
        if line.lesser:
            axis.plot(moments, values, color=_GREY, linestyle=(0, (3, 2)), label=line.name)
        else:
            axis.plot(moments, values, color=_BLUE, label=line.name)
            axis.fill_between(moments, values, color=_BLUE, alpha=0.13, linewidth=0)
    axis.set_title(chart.title)
    axis.set_ylim(bottom=0, top=chart.top)
    if axis.get_ylim()[1] < 1:
        axis.set_ylim(top=1)
    axis.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=chart.whole))
    axis.grid(axis="y")
    axis.tick_params(length=0)
    if len(chart.lines) > 1:
        axis.legend(loc="upper right", ncols=2, bbox_to_anchor=(1, 1.22), handlelength=1.6)


def _about(name: str, past: Sequence[Sample]) -> str:
    ends = (past[0].at, past[-1].at)
    first, last = (datetime.fromtimestamp(at, UTC).astimezone() for at in ends)
    day = f"{first:%Y-%m-%d} " if first.date() != last.date() else ""
    return f"{name}, {day}{first:%H:%M:%S} to {last:%H:%M:%S}"


def _themed(svg: bytes) -> str:
    """Return an SVG for the middle of a page, in the colours and the font of that page."""
    text = svg.decode()
    text = text[text.index("<svg") :]
    for color, variable in _THEMED.items():
        text = text.replace(color, variable)
    text = re.sub(r"font(-family)?: [^;\"]*DejaVu[^;\"]*", _font, text)
    return text.replace("<svg ", '<svg role="img" style="max-width:100%;height:auto" ', 1)


def _font(found: re.Match[str]) -> str:
    """Return a font declaration of matplotlib's with the page's own font."""
    size = found[0].partition("'")[0]
    return f"{size}var(--jp-ui-font-family, system-ui, sans-serif)"
