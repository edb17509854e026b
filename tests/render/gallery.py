"""Every card in every state, as one page and as pictures.

``.venv/bin/python -m tests.render.gallery FOLDER``

The page takes the theme files of the JupyterLab that is installed, and its rules for HTML in
outputs, so that what is seen here is what a notebook shows. Pictures need a Chromium.
"""

from __future__ import annotations

import html
import sys
from collections.abc import Iterator
from pathlib import Path

from aim_jupyter.render import (
    Card,
    cache_card,
    checks_card,
    download_card,
    engines_card,
    eviction_card,
    gpus_card,
    launch_card,
    map_card,
    recipes_card,
    reply_footer,
    startable_card,
    stats_card,
    status_card,
    top_card,
)
from tests.render import disk, fits, lists, runs, samples

THEMES = Path(sys.prefix) / "share/jupyter/lab/themes/@jupyterlab"
CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ("--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync")
WIDTHS = (1000, 700)

# The rules that JupyterLab 4.6 has for HTML in outputs, where they reach into a card.
OUTPUT_RULES = """
.o {color: var(--jp-content-font-color1); font-family: var(--jp-content-font-family);
  font-size: var(--jp-content-font-size1); line-height: var(--jp-content-line-height);
  padding-right: 20px}
.o pre, .o code {border: 0; background-color: var(--jp-layout-color0);
  color: var(--jp-content-font-color1); font-family: var(--jp-code-font-family);
  font-size: inherit; line-height: var(--jp-code-line-height); padding: 0; white-space: pre-wrap}
.o pre {font-size: var(--jp-code-font-size); margin: 0}
.o :not(pre) > code {background-color: var(--jp-layout-color2); padding: 1px 5px}
.o table {border-collapse: collapse; border-spacing: 0; border: none; table-layout: fixed;
  color: var(--jp-ui-font-color1); font-size: var(--jp-ui-font-size1); margin: 0 auto 1em}
.o thead {border-bottom: 1px solid var(--jp-border-color1); vertical-align: bottom}
.o td, .o th, .o tr {vertical-align: middle; padding: 0.5em; line-height: normal;
  white-space: normal; max-width: none; border: none; text-align: right}
.o th {font-weight: bold}
.o tbody tr:nth-child(odd) {background: var(--jp-layout-color0)}
.o tbody tr:nth-child(even) {background: var(--jp-rendermime-table-row-background)}
.o tbody tr:hover {background: var(--jp-rendermime-table-row-hover-background)}
.o svg {max-width: 100%; height: auto}
"""
PAGE_RULES = """
:root {--jp-ui-font-family: Inter, system-ui, sans-serif}
body {margin: 0; padding: 16px; background: var(--jp-layout-color0);
  color: var(--jp-ui-font-color1)}
h2 {font: 12px var(--jp-ui-font-family); margin: 24px 0 8px}
pre.text {background: #1e1e1e; color: #ddd; padding: 16px; border-radius: 4px; overflow-x: auto;
  font: 12px/18px var(--jp-code-font-family)}
"""


def cards() -> Iterator[tuple[str, Card]]:
    """Yield every card with what it shows."""
    yield "status", status_card(samples.STATUS)
    yield "status, no GPU", status_card(samples.LAPTOP_STATUS)
    yield "gpus", gpus_card(samples.MACHINE, user=samples.USER, mask=samples.MASK, on_hub=True)
    yield "gpus, none", gpus_card(samples.LAPTOP)
    yield "launch, starting", launch_card(samples.STARTING, log_tail=samples.LOG_TAIL)
    yield "launch, first start", launch_card(samples.FIRST_START)
    path = "/user/alice/aim/servers/qwen3-32b/v1"
    yield "launch, ready", launch_card(samples.READY, log_tail=samples.LOG_TAIL, browser_path=path)
    yield "launch, failed", launch_card(samples.FAILED, log_tail=samples.LOG_TAIL)
    for state, view in samples.ENDINGS.items():
        yield f"launch, {state}", launch_card(view)
    yield "recipes", recipes_card(fits.CHOICES, samples.QWEN_32B.model)
    yield "recipes, of each model", recipes_card(fits.CPU_CHOICES)
    yield "top", top_card(**lists.TOP)
    yield "engines", engines_card(lists.ENGINES)
    yield "engines, none", engines_card(())
    yield "cache", cache_card(lists.CACHED, samples.STATUS.cache)
    yield "cache, none", cache_card(())
    for name, look in runs.MAPS.items():
        yield name, map_card(look)
    yield "prefetch, asking", download_card(disk.ASKING)
    yield "prefetch, arriving", download_card(disk.ARRIVING)
    yield "cache stats", stats_card(disk.STATS)
    yield "cache stats, none", stats_card(disk.NO_STATS)
    yield "evict, planned", eviction_card(disk.PLANNED)
    yield "evict, done", eviction_card(disk.EVICTED)
    yield "evict, kept", eviction_card(disk.KEPT)
    yield "evict, none", eviction_card(())
    yield "why, can start", startable_card(disk.CAN_START)
    yield "why, can not start", startable_card(disk.CAN_NOT_START)
    yield "why, absent", startable_card(disk.IS_ABSENT)
    yield "doctor", checks_card(lists.CHECKS)
    yield "chat, footer", reply_footer(42, 0.212, 411.6)


def page(theme: str) -> str:
    """Return the page in one of JupyterLab's themes, ``light`` or ``dark``."""
    variables = (THEMES / f"theme-{theme}-extension/index.css").read_text()
    shown = "".join(
        f'<h2>{html.escape(name)}</h2><div class="o">{card.html}</div>'
        f'<pre class="text">{html.escape(card.text)}</pre>'
        for name, card in cards()
    )
    style = f"{variables}{OUTPUT_RULES}{PAGE_RULES}"
    return f'<!doctype html><meta charset="utf-8"><style>{style}</style>{shown}'


def main(folder: Path) -> None:
    """Write the pages, and their pictures at each width."""
    from playwright.sync_api import sync_playwright  # noqa: PLC0415  (only the pictures need it)

    folder.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        for theme in ("light", "dark"):
            file = folder / f"{theme}.html"
            file.write_text(page(theme))
            for width in WIDTHS:
                size = {"width": width, "height": 800}
                tab = browser.new_page(viewport=size, device_scale_factor=1.6)  # type: ignore[arg-type]
                tab.goto(file.resolve().as_uri())
                tab.screenshot(path=folder / f"{theme}-{width}.png", full_page=True)
                for index, (name, element) in enumerate(
                    zip((name for name, _ in cards()), tab.query_selector_all(".o"), strict=True)
                ):
                    slug = name.replace(", ", "-").replace(" ", "-")
                    element.screenshot(path=folder / f"{theme}-{width}-{index:02d}-{slug}.png")
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
