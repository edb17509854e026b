"""The quickstart as its reader sees it: a real JupyterLab in a real browser, on the fake engine."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from nbconvert import HTMLExporter
from playwright.sync_api import Browser, Locator, expect
from playwright.sync_api import TimeoutError as PlaywrightTimeout

from tests.browser.conftest import OpenNotebook
from tests.browser.lab import DARK, LIGHT, LIMIT_S, QUICKSTART, Lab, Notebook
from tests.conftest import FakeEngine
from tests.waiting import until

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

#: What the design asks of text in both themes.
LEAST_CONTRAST = 4.5
CONTRAST = Path(__file__).with_name("contrast.js").read_text()
SECOND = 1000


def test_the_quickstart_from_top_to_bottom_in_both_themes(
    open_notebook: OpenNotebook, fake: FakeEngine, tmp_path: Path
) -> None:
    booted = tmp_path / "booted"
    fake(gates={"boot": str(booted)}, load_s=1.5)
    notebook = open_notebook()
    launch = run_to_the_launch(notebook)

    # One card, from its first state to its last: replaced, not followed by another.
    card = notebook.output(launch)
    expect(card).to_contain_text("starting")
    assert len(notebook.outputs(launch)) == 1
    booted.touch()
    expect(card).to_contain_text("ready in", timeout=LIMIT_S * SECOND)
    expect(card).to_contain_text("client.chat.completions.create")
    expect(card).not_to_contain_text("starting")
    assert len(notebook.outputs(launch)) == 1

    run_from_the_wait(notebook)
    for theme in (DARK, LIGHT):
        notebook.theme(theme)
        keep_pictures(notebook, theme)
        assert notebook.script(CONTRAST, LEAST_CONTRAST) == []
    assert notebook.errors == []


def run_to_the_launch(notebook: Notebook) -> int:
    """Run the cells before the launch, and the launch; return its index."""
    assert notebook.outputs(notebook.ran("%load_ext aim_jupyter")) == []
    status = notebook.output(notebook.ran("%aim"))
    for row in ("GPUs", "Engine", "Servers", "Next"):
        expect(status.get_by_role("rowheader", name=row)).to_be_visible()
    expect(status).to_contain_text("None found: this machine has no AMD GPU device.")
    expect(status).to_contain_text("server = %aim launch")
    expect(status).not_to_contain_text("Asking")

    return notebook.ran("server = %aim launch")


def run_from_the_wait(notebook: Notebook) -> None:
    """Run what comes after the launch."""
    waited = notebook.ran("%aim wait")
    expect(notebook.output(waited)).to_contain_text(re.compile(r"demo\s+running · ready in"))
    expect(notebook.output(notebook.ran("client ="))).to_contain_text("You said: What is the cap")
    rated = notebook.output(notebook.ran("import json"))
    expect(rated).to_contain_text("{'sentiment': 'positive', 'stars': 1}")
    answers = notebook.output(notebook.ran("import pandas"))
    expect(answers.locator("tbody tr")).to_have_count(4)
    expect(answers.locator("thead")).to_contain_text("kind_error")

    chat = notebook.output(notebook.ran("%%aim chat"))
    expect(chat.locator(".jp-RenderedMarkdown")).to_have_text(
        "You said: Write one sentence about the sea."
    )
    expect(chat).to_contain_text(re.compile(r"\d+ tokens · first after \d+ ms · [\d,]+ tok/s"))

    expect(notebook.output(notebook.ran("metrics ="))).to_contain_text("gen_tok_s")
    look_at_tables(notebook)
    stopped = notebook.output(notebook.ran("%aim stop"))
    expect(stopped).to_contain_text("stopped after")
    last = notebook.append("%aim")
    expect(notebook.run(last)).to_contain_text("None running")


def look_at_tables(notebook: Notebook) -> None:
    """Ask for what the quickstart leaves out: tables with a card below, wide ones, a log."""
    index = notebook.append("%aim gpus")
    shown = notebook.run(index)
    table, below = notebook.outputs(index)
    assert (table["output_type"], below["output_type"]) == ("execute_result", "display_data")
    expect(shown.locator("thead")).to_contain_text("vram_gib")

    recipes = notebook.run(notebook.append("%aim recipes"))
    expect(recipes.locator("tbody tr").first).to_contain_text("demo")
    assert recipes.locator("tbody tr").count() > 80
    # One line a row: JupyterLab alone would break the reasons into five.
    assert recipes.locator("tbody tr").nth(3).bounding_box()["height"] < 32  # type: ignore[index]

    expect(notebook.run(notebook.append("%aim metrics"))).to_contain_text("req_done")
    expect(notebook.run(notebook.append("%aim cache"))).to_contain_text("size_gib")
    servers = notebook.run(notebook.append("%aim ps"))
    expect(servers.locator("tbody tr")).to_have_count(1)
    expect(servers.locator("tbody tr")).to_contain_text("running")
    expect(notebook.run(notebook.append("%aim logs -n 5"))).to_contain_text("Starting vLLM server")


def keep_pictures(notebook: Notebook, theme: str) -> None:
    """Keep a picture of every cell that has an output."""
    name = theme.rsplit(maxsplit=1)[-1].lower()
    for index, source in enumerate(notebook.sources()):
        if source and notebook.outputs(index):
            notebook.screenshot(f"{name}-{index:02}", index)


def test_after_a_kernel_restart_the_server_is_found_again_and_watched(
    open_notebook: OpenNotebook, lab: Lab, fake: FakeEngine, browser: Browser, tmp_path: Path
) -> None:
    fake()
    notebook = open_notebook()
    notebook.run_code("%load_ext aim_jupyter")
    notebook.run_code("server = %aim launch")
    notebook.run_code("%aim wait")
    notebook.restart_kernel()

    expect(notebook.run_code("server")).to_contain_text("NameError")
    notebook.run_code("%load_ext aim_jupyter")
    shown = notebook.run_code("%aim ps")
    expect(shown.locator("tbody tr")).to_contain_text("demo")
    expect(shown.locator("tbody tr")).to_contain_text("running")
    notebook.run_code("server = %aim attach")
    asked = "server.client.chat.completions.create(model='default', messages=[{'role': 'user',"
    answer = notebook.run_code(f"{asked} 'content': 'still here'}}]).choices[0].message.content")
    expect(answer).to_contain_text("You said: still here")
    watch(notebook)
    expect(notebook.run_code("%aim stop")).to_contain_text("stopped after")
    assert notebook.errors == []
    notebook.command("docmanager:save")
    check_export(browser, lab.notebooks / QUICKSTART.name, tmp_path / "page.html")


#: Asks again and again in the background, so that there is something to see as long as one looks.
LOAD = """import threading
busy, asked = True, [{'role': 'user', 'content': 'and again'}]
def load():
    while busy:
        server.client.chat.completions.create(model='default', messages=asked)
threading.Thread(target=load, daemon=True).start()"""
#: Of a live view, which JupyterLab takes apart and draws anew every two seconds.
MOST_CHARACTERS = 20_000


def watch(notebook: Notebook) -> None:
    """Look at what the server does: live, as a figure, and standing still."""
    top = notebook.append("%aim top")
    view = notebook.run(top)
    expect(view).to_contain_text("updates for 10 min, kernel is free · end: %aim top --off")
    row = view.locator("tbody tr").first
    expect(row).to_contain_text(re.compile("demo.*running.*CPU"))
    first = notebook.outputs(top)
    notebook.run_code(LOAD)
    notebook.cell(top)
    # The kernel has answered other cells meanwhile, and the view tells of what these did.
    expect(row).to_contain_text(re.compile("CPU[1-9]"), timeout=LIMIT_S * SECOND)
    assert len(first) == len(notebook.outputs(top)) == 1, "replaced, not followed by another"
    assert notebook.outputs(top) != first
    expect(row.locator("svg[aria-hidden] polyline").first).to_be_attached()
    assert len(str(notebook.outputs(top))) < MOST_CHARACTERS
    notebook.screenshot("top", top)

    plot = notebook.append("%aim metrics --plot")
    figure = notebook.run(plot).locator("svg[role=img]")
    expect(figure).to_be_visible()
    for title in ("Tokens, tok/s", "Requests", "Time to first token, ms", "CPU, % of one core"):
        expect(figure).to_contain_text(title)
    notebook.screenshot("plot", plot)

    notebook.run_code("busy = False\n%aim top --off")
    notebook.cell(top)
    expect(view).to_contain_text(re.compile(r"as of \d\d:\d\d:\d\d · again: %aim top"))
    assert len(notebook.outputs(top)) == 1


def check_export(browser: Browser, notebook: Path, html: Path) -> None:
    """Fail unless the saved notebook, as a page without scripts, shows the last view and figure."""
    exporter: Callable[[], Any] = HTMLExporter
    html.write_text(exporter().from_filename(str(notebook))[0])
    page = browser.new_page(java_script_enabled=False)
    page.route(re.compile("^https?:"), lambda route: route.abort())
    page.goto(html.as_uri())
    view = page.locator(".jp-OutputArea", has_text="sparklines show 2 min")
    expect(view).to_contain_text(re.compile(r"as of \d\d:\d\d:\d\d · again: %aim top"))
    expect(view.locator("tbody tr").first).to_contain_text("running")
    expect(page.locator("svg[role=img]")).to_contain_text("Tokens, tok/s")
    page.close()


def test_a_second_start_says_how_long_it_takes_and_a_crash_says_why(
    open_notebook: OpenNotebook, fake: FakeEngine, tmp_path: Path
) -> None:
    fake(boot_s=1, load_s=3, shards=6)
    notebook = open_notebook()
    notebook.run_code("%load_ext aim_jupyter")
    notebook.run_code("server = %aim launch")
    notebook.run_code("%aim wait")
    notebook.run_code("%aim stop --now")
    # The second one goes no further than to what is looked at here.
    fake(boot_s=1, load_s=3, shards=6, gates={"load": str(tmp_path / "never")})
    index = notebook.append("server = %aim launch")
    card = notebook.run(index)
    expect(card).to_contain_text(re.compile(r"so far · about [\d.]+ m?s left"))
    expect(card).to_contain_text(re.compile(r"shard [1-5] of 6"), timeout=LIMIT_S * SECOND)
    expect(card.get_by_role("progressbar").first).to_be_visible()
    expect(card.locator("summary")).to_contain_text("Completed |")
    notebook.screenshot("second-start", index)
    notebook.run_code("%aim stop --now")

    line = "ValueError: No available memory for the cache blocks. Try increasing"
    program = fake(fail_at="load", fail_line=line)
    notebook.run_code(f"import os; os.environ['AIM_ENGINE_PYTHON'] = {str(program)!r}")
    index = notebook.append("broken = %aim launch --new")
    card = notebook.run(index)
    expect(card).to_contain_text("failed in load", timeout=LIMIT_S * SECOND)
    for part in ("What happened", "Decisive line", line, "Cause", "Try", "Cleaned up"):
        expect(card).to_contain_text(part)
    assert len([one for one in notebook.outputs(index) if "Decisive" in str(one)]) == 1
    notebook.screenshot("crash", index)
    assert notebook.errors == []


def test_an_error_is_two_lines_and_stops_run_all(
    open_notebook: OpenNotebook, fake: FakeEngine
) -> None:
    fake()
    notebook = open_notebook()
    notebook.run_code("%load_ext aim_jupyter")
    index = notebook.append("%aim lanuch\nafter = 1")
    shown = notebook.run(index)
    expect(shown).to_contain_text("Try: ")
    lines = shown.inner_text().strip().splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("UnknownName: There is no verb 'lanuch'. Nearest: launch")
    assert lines[1] == "Try: %aim launch"
    notebook.screenshot("error", index)
    assert [one["output_type"] for one in notebook.outputs(index)] == ["error"]
    expect(notebook.run_code("after")).to_contain_text("NameError")


def complete(notebook: Notebook) -> Locator:
    """Press Tab until something is offered: JupyterLab drops an answer that takes over a second."""
    offered = notebook.page.locator(".jp-Completer-item")

    def asked() -> bool:
        notebook.page.keyboard.press("Tab")
        with contextlib.suppress(PlaywrightTimeout):
            offered.first.wait_for(timeout=5_000)
        return offered.count() > 0

    until(asked)
    return offered


def test_tab_offers_the_verbs(open_notebook: OpenNotebook, fake: FakeEngine) -> None:
    fake()
    notebook = open_notebook()
    notebook.run_code("%load_ext aim_jupyter")
    index = notebook.append("")
    notebook.type("server = %aim la", index)
    expect(complete(notebook)).to_have_text([re.compile("launch")])
    notebook.page.keyboard.press("Enter")
    notebook.wait_for_source(index, "server = %aim launch")
    notebook.type(" --e", index)
    offered = complete(notebook)
    expect(offered.filter(has_text="--engine")).to_be_visible()
    expect(offered.filter(has_text="--env")).to_be_visible()
    notebook.screenshot("completion")
