"""How soon the deploy panel stands in JupyterLab after its cell is run, over an empty `Tab`.

A real JupyterLab in a real Chromium, interleaved: in a fresh kernel, where the first cell of either
kind also pays for its imports, and then again in the same kernel. From the command that runs the
cell to the first frame in which its tabs are drawn; for the panel also to that in which its
controls are, and to that in which Launch can be clicked, which waits for the engine (the fake one).

Usage: ``python benchmarks/panel.py [ROUNDS]``. Wants a Chromium and a quiet machine.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # the browser's driver stands with the tests

from _smoke import size
from playwright.sync_api import sync_playwright

from aim_jupyter.testing import fake_engine
from tests.browser.conftest import ARGUMENTS, WINDOW
from tests.browser.lab import Lab, Notebook, chromium

CELLS = {
    "empty ipywidgets.Tab": "import ipywidgets; ipywidgets.Tab([ipywidgets.HTML('nothing')])",
    "%aim panel": "%aim panel",
}
Times = dict[str, list[float]]
#: What is awaited of each, and what the times of a panel's are called.
TABS = ".widget-tab .widget-html-content"
CONTROLS = (".widget-tab button.mod-primary", ".widget-tab button.mod-primary:not(:disabled)")
PARTS = ("first paint", "controls", "can launch")
#: Runs the cell at an index, and waits for the frame after each in which what is awaited appeared.
PAINT = """async ([index, ...awaited]) => {
    const notebook = _panel().content;
    notebook.activeCellIndex = index;
    const began = performance.now();
    jupyterapp.commands.execute('notebook:run-cell');
    const node = notebook.widgets[index].node;
    const took = [];
    for (const one of awaited) {
        while (!node.querySelector(one)) {
            if (performance.now() - began > 60000) throw new Error(one + ' did not appear');
            await new Promise(requestAnimationFrame);
        }
        await new Promise(requestAnimationFrame);
        took.push(performance.now() - began);
    }
    return took;
}"""


def main(rounds: int) -> None:
    """Print the two tables."""
    program = chromium()
    assert program is not None, "no Chromium on this machine: apt-get install chromium"
    first: Times = {}
    again: Times = {}
    with tempfile.TemporaryDirectory() as home, sync_playwright() as playwright:
        os.environ["AIM_STATE_DIR"] = f"{home}/state"
        os.environ["AIM_ENGINE_PYTHON"] = str(fake_engine(Path(home)))
        lab = Lab(Path(home) / "lab", os.environ)
        try:
            browser = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
            notebook = Notebook(browser.new_context(viewport=WINDOW).new_page(), lab)
            for _ in range(rounds):
                measure(notebook, first, again)
            browser.close()
        finally:
            lab.end()
    table("first in a fresh kernel, ms", first)
    table("again in the same kernel, ms", again)


def measure(notebook: Notebook, first: Times, again: Times) -> None:
    """Add a time of each kind to each table."""
    for name, code in CELLS.items():
        notebook.restart_kernel()
        notebook.run_code("%load_ext aim_jupyter")
        note(first, name, painted(notebook, code))
    # The baseline's imports are in this kernel too now.
    painted(notebook, CELLS["empty ipywidgets.Tab"])
    for name, code in CELLS.items():
        note(again, name, painted(notebook, code))


def note(times: Times, name: str, took: list[float]) -> None:
    """Keep the times of one cell, each under its name."""
    for part, ms in zip(PARTS, took, strict=False):
        times.setdefault(f"{name}, {part}" if len(took) > 1 else name, []).append(ms)


def painted(notebook: Notebook, code: str) -> list[float]:
    """Return the milliseconds from running a cell to its first frame, and to what follows."""
    index = notebook.append(code)
    notebook.cell(index)
    awaited = [TABS, *(CONTROLS if code == "%aim panel" else ())]
    took: list[float] = notebook.script(PAINT, [index, *awaited])
    notebook.wait_until_idle()
    # Nothing of it may be drawn, or looked after, while the next one is measured.
    notebook.command("notebook:delete-cell")
    return took


def table(title: str, rows: Times) -> None:
    """Print median, spread and the ratio to the first row, the baseline."""
    print(f"\n{title:<34}{'median':>10}{'min':>10}{'max':>10}{'ratio':>8}")
    base = statistics.median(next(iter(rows.values())))
    for name, values in rows.items():
        middle = statistics.median(values)
        spread = f"{middle:>10.0f}{min(values):>10.0f}{max(values):>10.0f}"
        print(f"{name:<34}{spread}{middle / base:>8.2f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else size(7, 1))
