"""The deploy panel as its user sees it: a real JupyterLab in a real browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.axe import findings
from tests.browser.conftest import OpenNotebook
from tests.browser.lab import DARK, LIGHT, LIMIT_S, Notebook
from tests.browser.test_quickstart import CONTRAST, LEAST_CONTRAST, SECOND
from tests.conftest import FakeEngine

# On two cores that others use too, the first has been seen to take 110 s.
pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]

#: The dark theme's own colours for the titles of tabs have a contrast of 4.2.
TITLES = ("Launch", "Servers", "Servers (1)", "Cache")
#: Milliseconds in which what is awaited comes.
SOON = LIMIT_S * SECOND


#: Keeps the controls of panels back until they are called for.
HELD = """
import threading
from aim_jupyter.panel import view
held, fill = threading.Event(), view.Panel.fill
view.Panel.fill = lambda panel: held.wait(300) and fill(panel)
"""


def opened(notebook: Notebook, line: str = "%aim panel") -> tuple[int, Locator]:
    """Open a panel; return its cell's index and its output."""
    notebook.run_code("%load_ext aim_jupyter")
    index = notebook.append(line)
    return index, notebook.run(index)


def button(panel: Locator, name: str) -> Locator:
    # Before some names stands an icon, which is a letter of its own.
    return panel.get_by_role("button", name=re.compile(rf"^\W*{name}$"))


def fill(panel: Locator, name: str, text: str) -> None:
    """Fill in a field and press Enter."""
    panel.get_by_label(name, exact=True).fill(text)
    panel.get_by_label(name, exact=True).press("Enter")


def launch(panel: Locator) -> None:
    """Launch once the panel knows that it can."""
    expect(button(panel, "Launch")).to_be_enabled(timeout=SOON)
    button(panel, "Launch").click()


def drawn_and_filled(notebook: Notebook) -> tuple[int, Locator]:
    """Open a panel, and look at what the browser has drawn before there is any control."""
    notebook.run_code(HELD)
    index, panel = opened(notebook)
    expect(panel.get_by_role("status")).to_contain_text("Looking at GPUs", timeout=SOON)
    expect(panel.get_by_role("tab", name="Launch")).to_be_visible()
    expect(panel.get_by_role("combobox")).to_have_count(0)
    notebook.screenshot("panel-skeleton", index)
    notebook.run_code("held.set()")
    panel = notebook.output(index)
    expect(panel.get_by_role("combobox", name="Model")).to_be_visible(timeout=SOON)
    notebook.screenshot("panel-looking", index)
    return index, panel


def look_through(notebook: Notebook, index: int, panel: Locator) -> None:
    """Look through the models by keys, and leave the choice as it was."""
    model = panel.get_by_role("combobox", name="Model")
    model.fill("nothing-of-this-kind")
    expect(panel).to_contain_text("No model of that name.")
    model.fill("32b qwen")
    expect(panel).to_contain_text(re.compile(r"\d of \d\d+ models"))
    model.press("ArrowDown")
    notebook.screenshot("panel-picker", index)
    mine = f".jp-Cell[data-windowed-list-index='{index}'] .jp-OutputArea-output"
    assert findings(notebook.page, mine) == []
    model.press("Escape")
    expect(model).to_have_value("demo")


def test_choose_launch_watch_talk_and_stop(
    open_notebook: OpenNotebook, fake: FakeEngine, tmp_path: Path
) -> None:
    loaded = tmp_path / "loaded"
    fake(boot_s=1, load_s=1, shards=6, token_s=0.02, gates={"load": str(loaded)})
    notebook = open_notebook()
    index, panel = drawn_and_filled(notebook)
    expect(panel).to_contain_text("None found: this machine has no AMD GPU device.", timeout=SOON)
    expect(panel.locator("pre", has_text="%aim launch")).to_have_text("%aim launch", timeout=SOON)
    assert "%aim panel" in notebook.outputs(index)[1]["data"]["text/html"]

    # A wrong option is said in place, in two lines, and nothing can be launched with it.
    button(panel, "More options").click()
    fill(panel, "Options", "--max-nmu-seqs 8")
    problem = panel.get_by_role("alert")
    expect(problem).to_contain_text(
        "BadUsage: vLLM 0.32.0 has no option --max-nmu-seqs", timeout=SOON
    )
    expect(problem).to_contain_text("Try: %aim")
    expect(button(panel, "Launch")).to_be_disabled()
    notebook.screenshot("panel-error", index)
    fill(panel, "Options", "--max-num-seqs 8")
    expect(panel).to_contain_text("%aim launch --max-num-seqs 8", timeout=SOON)

    look_through(notebook, index, panel)
    notebook.screenshot("panel-launch", index)
    launch(panel)
    expect(panel.get_by_role("tab", name="Servers (1)")).to_be_visible(timeout=SOON)
    expect(panel.get_by_role("listitem").filter(has_text="load")).to_contain_text(
        re.compile("shard [1-6] of 6"), timeout=SOON
    )
    notebook.screenshot("panel-starting", index)
    loaded.touch()
    expect(panel).to_contain_text("running for", timeout=SOON)
    answer = notebook.run_code(
        "client = %aim client\n"
        "client.chat.completions.create(model='default', messages=["
        "{'role': 'user', 'content': 'hello'}]).choices[0].message.content"
    )
    expect(answer).to_contain_text("You said: hello")
    expect(panel).to_contain_text("Requests done 1", timeout=SOON)
    button(panel, "Log").click()
    expect(panel).to_contain_text("Starting vLLM server on", timeout=SOON)
    button(panel, "Log").click()
    for theme in (DARK, LIGHT):
        notebook.theme(theme)
        notebook.screenshot(f"panel-running-{theme.split()[-1].lower()}", index)
        faint = notebook.script(CONTRAST, LEAST_CONTRAST)
        assert [one for one in faint if not one.endswith(TITLES)] == []
    button(panel, "Stop").click()
    expect(panel).to_contain_text("stopped", timeout=SOON)
    expect(panel.get_by_role("tab", name="Servers", exact=True)).to_be_visible(timeout=SOON)
    button(panel, "Forget").click()
    expect(panel).to_contain_text("No server yet.", timeout=SOON)
    panel.get_by_role("tab", name="Cache").click()
    expect(panel).to_contain_text("No model is on disk yet.")
    assert notebook.errors == []


def test_panels_and_kernels_show_the_same_truth(
    open_notebook: OpenNotebook, fake: FakeEngine, tmp_path: Path
) -> None:
    fake()
    notebook = open_notebook()
    first, panel = opened(notebook)
    other = notebook.run_code("%aim panel demo")
    launch(other)
    expect(other).to_contain_text("running for", timeout=SOON)
    panel = notebook.output(first)
    expect(panel.get_by_role("tab", name="Servers (1)")).to_be_visible(timeout=SOON)

    # While a cell runs the panel goes on showing, and says that clicks wait.
    over = tmp_path / "over"
    busy = notebook.append(
        f"import pathlib, time\nwhile not pathlib.Path({str(over)!r}).exists(): time.sleep(0.1)"
    )
    notebook.script(
        "(index) => { _panel().content.activeCellIndex = index;"
        " jupyterapp.commands.execute('notebook:run-cell') }",
        busy,
    )
    panel = notebook.output(first)
    expect(panel).to_contain_text("A cell is running", timeout=SOON)
    over.touch()
    expect(panel).not_to_contain_text("A cell is running", timeout=SOON)

    # The same cell again: one panel takes the place of the other.
    notebook.run_code("import threading, time")
    count = "len([one for one in threading.enumerate() if one.name.startswith('aim-panel')])"
    counted = notebook.append(count)
    notebook.run(counted)
    (before,) = notebook.outputs(counted)
    number = int(before["data"]["text/plain"])
    notebook.run(first)
    # The threads of the one that is gone end in their own time.
    ended = f"end = time.time() + 60\nwhile {count} != {number} and time.time() < end:"
    after = notebook.append(f"{ended} time.sleep(0.1)\n{count}")
    notebook.run(after)
    (found,) = notebook.outputs(after)
    assert int(found["data"]["text/plain"]) == number

    notebook.restart_kernel()
    _, panel = opened(notebook)
    panel.get_by_role("tab", name="Servers (1)").click(timeout=SOON)
    expect(panel).to_contain_text("running for", timeout=SOON)
    button(panel, "Stop").click()
    expect(panel).to_contain_text("demo · stopped · CPU", timeout=SOON)
    assert notebook.errors == []


def test_what_was_shown_is_left_where_its_kernel_is_gone(
    open_notebook: OpenNotebook, fake: FakeEngine
) -> None:
    fake()
    notebook = open_notebook()
    notebook.run_code("%load_ext aim_jupyter")
    notebook.run_code("server = %aim launch demo\n%aim wait")
    index, panel = opened(notebook, "%aim panel demo --users 3")
    expect(panel.get_by_role("tab", name="Servers (1)")).to_be_visible(timeout=SOON)
    left = panel.get_by_text("The panel as it was.")
    expect(left).to_be_hidden()
    # What is left says what runs once that was seen.
    notebook.wait_for_output(index, "demo · running")
    notebook.restart_kernel()
    expect(left).to_be_visible(timeout=SOON)
    expect(panel.get_by_role("tab")).to_have_count(0)
    notebook.screenshot("panel-restarted", index)

    notebook.command("docmanager:save")
    notebook.reload()
    panel = notebook.output(index)
    expect(panel.get_by_text("The panel as it was.")).to_be_visible(timeout=SOON)
    expect(panel).to_contain_text("demo · running · demo · CPU · http://127.0.0.1:")
    expect(panel.get_by_text("Error displaying widget")).to_be_hidden()
    notebook.screenshot("panel-reloaded", index)
    line = panel.locator("pre", has_text="%aim panel")
    expect(line).to_have_text("%aim panel demo --users 3")
    notebook.run_code("%load_ext aim_jupyter")
    revived = notebook.run_code(str(line.text_content()))
    expect(revived.get_by_role("tab", name="Servers (1)")).to_be_visible(timeout=SOON)
