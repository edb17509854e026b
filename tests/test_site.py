"""The documentation as a reader has it: built without a warning, read as files, without network."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from aim_jupyter.core import config
from aim_jupyter.core.recipes.catalogue import catalogue
from tests.browser.lab import chromium

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the pages; Sphinx ends with an error where it would warn."""
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, str(ROOT / "docs/site/building.py"), str(target)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return target


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    program = chromium()
    if program is None:
        pytest.skip("no Chromium here: apt-get install chromium")
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        yield opened
        opened.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_each_page_is_as_narrow_as_a_phone(site: Path, browser: Browser, scheme: str) -> None:
    dark = scheme == "dark"
    context = browser.new_context(
        viewport={"width": 360, "height": 800}, color_scheme="dark" if dark else "light"
    )
    page = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda line: said.append(line.text) if line.type == "error" else None)
    pages = sorted({*site.glob("*.html"), *site.glob("reference/*.html")})
    assert len(pages) > 20
    for one in pages:
        page.goto(one.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") == 360, one
        ground = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g)[0]")
        assert (int(ground) < 128) is dark, one
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    context.close()


def test_the_search_finds_a_page(site: Path, browser: Browser) -> None:
    page = browser.new_page()
    page.goto(f"{(site / 'search.html').as_uri()}?q=slurm")
    page.wait_for_selector("ul.search li")
    assert "Servers in jobs of Slurm" in page.inner_text("ul.search")
    page.close()


def test_the_catalogue_shows_what_has_all_the_words(site: Path, browser: Browser) -> None:
    page = browser.new_page()
    page.goto((site / "reference/catalogue.html").as_uri())
    shown = "[...document.querySelectorAll('article tbody tr')].filter(row => !row.hidden)"
    texts = f"{shown}.map(row => [...row.cells].map(cell => cell.innerText.trim()))"
    models = catalogue([config.shipped_recipes()]).models
    recipes = [(model, one) for model in models for one in model.recipes]
    wanted = [[model.name, one.id, one.gpu_model, one.origin] for model, one in recipes]
    found = page.evaluate(texts)
    assert [[*row[:3], row[6]] for row in found] == wanted
    assert [row[7] for row in found] == [" ".join(one.source.split()) for _, one in recipes]
    page.fill("#catalogue-search", "FP8 mi300x  qwen")
    left = page.evaluate(texts)
    assert 0 < len(left) < len(found)
    said = [" ".join(row).lower() for row in found]
    words = ("fp8", "mi300x", "qwen")
    assert len(left) == sum(all(word in text for word in words) for text in said)
    assert page.inner_text("#catalogue-shown") == f"{len(left)} of {len(found)} recipes"
    page.close()
