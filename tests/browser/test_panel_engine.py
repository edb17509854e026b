"""The panel's whole way on the real vLLM: choose, launch, see the stages move, a reply, stop."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import OpenNotebook
from tests.browser.test_panel import SOON, button, fill, launch

pytestmark = [pytest.mark.browser, pytest.mark.engine, pytest.mark.timeout(600)]

#: Milliseconds for a start, on cores that others use too.
START = 240_000


@pytest.mark.usefixtures("real_engine")
def test_the_demo_on_the_real_engine(open_notebook: OpenNotebook) -> None:
    notebook = open_notebook("panel.ipynb")
    notebook.ran("%load_ext aim_jupyter")
    index = notebook.ran("%aim panel")
    panel = notebook.output(index)
    fill(panel, "Search", "demo")
    # The engine is asked once what it is, which takes its time.
    expect(button(panel, "Launch")).to_be_enabled(timeout=START)
    expect(panel.locator("pre", has_text="%aim launch")).to_have_text("%aim launch")
    notebook.screenshot("panel-real-launch", index)
    launch(panel)
    for stage in ("boot", "load", "ready"):
        # The stage that runs stands in bold; the last one may be over before it is looked at.
        now = panel.locator("[role=listitem] strong", has_text=stage)
        expect(now.or_(panel.get_by_text("running")).first).to_be_visible(timeout=START)
        notebook.screenshot(f"panel-real-{stage}", index)
    expect(panel).to_contain_text("running for", timeout=START)
    answer = notebook.output(notebook.ran("client ="))
    expect(answer).to_contain_text("%aim stop", timeout=START)
    panel = notebook.output(index)
    expect(panel).to_contain_text(re.compile("Requests done [1-9]"), timeout=SOON)
    notebook.screenshot("panel-real-running", index)
    button(panel, "Stop").click()
    expect(panel).to_contain_text("demo · stopped · CPU", timeout=2 * SOON)
    notebook.screenshot("panel-real-stopped", index)
    assert notebook.errors == []
