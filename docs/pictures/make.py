"""Make the README's pictures: a notebook on the real engine, in a real JupyterLab and browser.

Usage: ``.venv/bin/python docs/pictures/make.py``, after ``make engine``; needs a Chromium. Nothing
in the pictures is drawn or edited: only JupyterLab's own bars and buttons are left out.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import Browser, FloatRect, ViewportSize, expect, sync_playwright

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))  # the tests know how to drive JupyterLab

from aim_jupyter.core import config  # noqa: E402
from tests.browser.conftest import ARGUMENTS  # noqa: E402
from tests.browser.lab import DARK, LIGHT, Lab, Notebook, chromium  # noqa: E402

SHOWN = '["gen_tok_s", "ttft_p50_ms", "itl_p50_ms", "kv_used_pct", "req_done"]'
CELLS = (
    "%load_ext aim_jupyter",
    "%aim",
    "server = %aim launch",
    "%%aim chat\nHow do I free a GPU?",
    f"metrics = %aim metrics\nmetrics[{SHOWN}]",
)
PICTURES = {"quickstart.png": LIGHT, "quickstart-dark.png": DARK}
LAUNCH = 2
#: A start of the demo takes about 25 s on two cores; a busy machine gets its time.
START_LIMIT_MS = 240_000
WINDOW: ViewportSize = {"width": 1060, "height": 1400}
#: What belongs to editing, not to the notebook.
_LEFT_OUT = (
    ".jp-cell-toolbar, .jp-Collapser, .jp-Notebook-footer {visibility: hidden !important}"
    ".jp-Cell {border-color: transparent !important; box-shadow: none !important}"
)
_MARGIN = 8


def main() -> int:
    """Run the notebook and write the pictures."""
    program = chromium()
    if program is None:
        print("no Chromium on this machine: apt-get install chromium", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="aim-pictures-") as folder:
        surround(Path(folder))
        lab = Lab(Path(folder) / "lab")
        try:
            write_notebook(lab.notebooks / "picture.ipynb")
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
                take(browser, lab)
                browser.close()
        finally:
            lab.end()
    return 0


def surround(folder: Path) -> None:
    """Give the notebook a home of its own, so that nobody's paths and servers are shown."""
    os.environ["AIM_DATA_DIR"] = str(config.data_dir())
    for name in ("state", "cache", "home"):
        (folder / name).mkdir()
    os.environ |= {"AIM_STATE_DIR": str(folder / "state"), "AIM_CACHE_DIR": str(folder / "cache")}
    os.environ |= {"HOME": str(folder / "home"), "HF_HOME": str(folder / "cache")}


def write_notebook(path: Path) -> None:
    """Write the cells of the picture as a notebook."""
    cell: dict[str, object] = {
        "cell_type": "code",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
    }
    kernel = {"name": "python3", "display_name": "Python 3"}
    made = {
        "cells": [cell | {"id": f"cell-{at}", "source": code} for at, code in enumerate(CELLS)],
        "metadata": {"kernelspec": kernel},
        "nbformat": 4,
        "nbformat_minor": 5,
    }
    path.write_text(json.dumps(made))


def take(browser: Browser, lab: Lab) -> None:
    """Run all cells, take a picture in each theme, and stop the server."""
    context = browser.new_context(viewport=WINDOW, device_scale_factor=1.5)
    notebook = Notebook(context.new_page(), lab, "picture.ipynb")
    try:
        for index in range(len(CELLS)):
            output = notebook.run(index)
            if index == LAUNCH:
                expect(output).to_contain_text("ready in", timeout=START_LIMIT_MS)
        notebook.page.add_style_tag(content=_LEFT_OUT)
        for name, theme in PICTURES.items():
            notebook.theme(theme)
            photograph(notebook, ROOT / "docs" / "pictures" / name)
    finally:
        notebook.run_code("%aim stop --now")


def photograph(notebook: Notebook, path: Path) -> None:
    """Write what lies between the first and the last cell."""
    first = notebook.cell(0).bounding_box()
    last = notebook.cell(len(CELLS) - 1).bounding_box()
    assert first is not None
    assert last is not None
    top = first["y"] - _MARGIN
    clip: FloatRect = {
        "x": first["x"],
        "y": top,
        "width": first["width"],
        "height": last["y"] + last["height"] + _MARGIN - top,
    }
    notebook.page.screenshot(path=path, clip=clip)
    print(f"{path}: {path.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    sys.exit(main())
