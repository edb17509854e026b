"""A server's past as a figure."""

from __future__ import annotations

import importlib.util
import math
from pathlib import Path

import pytest

from aim_jupyter.core.errors import BadUsage, StateUnusable
from aim_jupyter.core.records import Sample
from aim_jupyter.tables import figures


def test_a_plot_without_matplotlib_names_the_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(BadUsage, match="needs matplotlib") as found:
        figures.Plot("demo", [])
    assert found.value.hint == "%pip install matplotlib"


def past(count: int, **facts: float | None) -> list[Sample]:
    return [Sample(at=1.7e9 + 5 * n, gen_tok_s=float(n), **facts) for n in range(count)]  # type: ignore[arg-type]


def test_a_gpu_has_charts_that_a_cpu_has_not() -> None:
    on_cpu = figures.Plot("demo", past(3, cpu_pct=50.0)).figure
    on_gpu = figures.Plot("demo", past(3, busy_pct=40.0)).figure
    titles = [
        {axis.get_title(loc="left") for axis in each.axes if axis.get_visible()}
        for each in (on_cpu, on_gpu)
    ]
    assert "CPU, % of one core" in titles[0] - titles[1]
    assert "GPU busy, %" in titles[1] - titles[0]


def test_a_past_of_one_reading_is_a_minute_and_not_years(tmp_path: Path) -> None:
    made = figures.Plot("demo", past(1))
    made.save(tmp_path / "one.png")
    first, last = made.figure.axes[0].get_xlim()
    assert (last - first) * 86400 == pytest.approx(60, abs=1)


def test_a_gap_is_a_gap_and_not_zero() -> None:
    made = figures.Plot("demo", [*past(2), Sample(at=1.7e9 + 100), *past(1)])
    drawn = made.figure.axes[0].lines[0].get_ydata()
    assert math.isnan(drawn[2])


@pytest.mark.parametrize("ending", [*figures.FORMATS, "PNG"])
def test_it_is_written_as_its_name_says(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"plot.{ending}"
    figures.Plot("demo", past(3)).save(path)
    begins = {"png": b"\x89PNG", "svg": b"<?xml", "pdf": b"%PDF"}[ending.lower()]
    assert path.read_bytes().startswith(begins)


def test_another_ending_and_a_place_that_is_none_are_told(tmp_path: Path) -> None:
    made = figures.Plot("demo", past(3))
    with pytest.raises(BadUsage, match="is no PNG, SVG or PDF") as caught:
        made.save(Path("out.gif"))
    assert caught.value.hint == "--to out.png"
    with pytest.raises(StateUnusable, match="No such file"):
        made.save(tmp_path / "no" / "such.png")


def test_in_a_page_it_takes_the_pages_colours_and_font() -> None:
    shown = figures.Plot("demo", past(3))._repr_mimebundle_()
    html = str(shown["text/html"])
    assert html.startswith("<svg ")
    assert "var(--jp-ui-font-color1" in html
    assert "DejaVu" not in html
    assert str(shown["text/plain"]).startswith("Plot(demo, ")
    again = figures.Plot("demo", past(3))._repr_mimebundle_()
    assert again["text/html"] == html  # the same figure is the same text


def test_without_a_past_there_is_nothing_to_draw() -> None:
    with pytest.raises(BadUsage, match="no history of 'demo' yet"):
        figures.Plot("demo", [])
