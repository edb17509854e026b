"""A browser for all tests, and for each test a JupyterLab with everything of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, ViewportSize, sync_playwright

from tests.browser.lab import QUICKSTART, Lab, Notebook, chromium

ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
WINDOW: ViewportSize = {"width": 1280, "height": 1600}

OpenNotebook = Callable[..., Notebook]


# Not for the session: Playwright keeps an event loop open in this very thread.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """Return the machine's own Chromium; nothing is ever downloaded."""
    program = chromium()
    if program is None:
        pytest.skip("no Chromium on this machine: apt-get install chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=list(ARGUMENTS))
        yield opened
        opened.close()


@pytest.fixture
def open_notebook(browser: Browser, isolated: Path) -> Iterator[OpenNotebook]:
    """Return a function that opens a notebook, else the quickstart, in a fresh JupyterLab.

    A function, so that a test installs its engine first: the Lab hands its environment on.
    """
    labs: list[Lab] = []
    pages = browser.new_context(viewport=WINDOW)

    def start(name: str = QUICKSTART.name) -> Notebook:
        labs.append(Lab(isolated / "lab"))
        return Notebook(pages.new_page(), labs[-1], name)

    yield start
    pages.close()
    for lab in labs:
        lab.end()
