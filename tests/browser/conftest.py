"""A browser and a JupyterLab for all tests; each finds the Lab as if nobody had used it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ViewportSize, expect, sync_playwright

from aim_jupyter.testing import Script, fake_engine
from tests.browser.lab import LIMIT_S, QUICKSTART, Lab, Notebook, chromium
from tests.conftest import FakeEngine, scrubbed, tidied

ARGUMENTS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync"),
)
WINDOW: ViewportSize = {"width": 1280, "height": 1600}

OpenNotebook = Callable[..., Notebook]

# Playwright itself waits five seconds for what is expected.
expect.set_options(timeout=LIMIT_S * 1000)


def new_window(browser: Browser, size: ViewportSize) -> BrowserContext:
    """Return a window of that size, whose pages have the time that a busy machine takes."""
    pages = browser.new_context(viewport=size)
    pages.set_default_timeout(LIMIT_S * 1000)
    return pages


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


class Site:
    """A machine without GPUs on which one JupyterLab runs, with the fake engine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        # The path stays, what it does changes from test to test: the Lab is told of it once.
        self.engine = fake_engine(folder)
        self.lab = Lab(folder / "lab", {**os.environ, "AIM_ENGINE_PYTHON": str(self.engine)})

    def tidy(self) -> None:
        """Leave the machine and the Lab as they were before the first test."""
        self.lab.tidy()
        tidied(self.folder)


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Return the machine that all tests share, one after the other."""
    folder = tmp_path_factory.mktemp("site")
    with scrubbed(folder):
        made = Site(folder)
        yield made
        made.lab.end()


@pytest.fixture
def fake(site: Site) -> FakeEngine:
    """Return a function that makes the machine's fake engine behave as told."""

    def install(**behaviour: object) -> Path:
        return fake_engine(site.folder, Script(**behaviour))  # type: ignore[arg-type]

    return install


@pytest.fixture
def lab(request: pytest.FixtureRequest, isolated: Path) -> Iterator[Lab]:
    """Return the shared JupyterLab; for the real engine one of its own, which knows where that is.

    A Lab takes seconds to start, thrice as many beside other tests.
    """
    if "real_engine" in request.fixturenames:
        request.getfixturevalue("real_engine")
        own = Lab(isolated / "lab", os.environ)
        yield own
        own.end()
        return
    site: Site = request.getfixturevalue("site")
    yield site.lab
    site.tidy()


@pytest.fixture
def open_notebook(browser: Browser, lab: Lab) -> Iterator[OpenNotebook]:
    """Return a function that opens a notebook, else the quickstart, in JupyterLab."""
    pages = new_window(browser, WINDOW)

    def start(name: str = QUICKSTART.name) -> Notebook:
        return Notebook(pages.new_page(), lab, name)

    yield start
    pages.close()
