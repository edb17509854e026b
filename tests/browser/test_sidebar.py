"""The sidebar as its user sees it: a real JupyterLab in a real browser."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, ViewportSize, expect

from aim_jupyter.tables.columns import COLUMNS
from tests.browser.axe import findings
from tests.browser.conftest import new_window
from tests.browser.lab import DARK, LIGHT, LIMIT_S, Lab
from tests.browser.sidebar import BUILT, LATER, Sidebar, captured
from tests.conftest import FakeEngine

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(600),
    pytest.mark.skipif(not BUILT.exists(), reason="the sidebar is not built: make labextension"),
]

SECOND = 1000
WINDOW: ViewportSize = {"width": 900, "height": 1000}
#: What the design asks of text in both themes.
LEAST = 4.5
CONTRAST = Path(__file__).with_name("contrast.js").read_text()
#: The real engine is ready on this machine in about 25 s alone, in thrice that beside others.
READY_S = 150

OpenSidebar = Callable[..., Sidebar]


@pytest.fixture
def open_sidebar(browser: Browser, lab: Lab) -> Iterator[OpenSidebar]:
    """Return a function that opens the sidebar in JupyterLab without any notebook."""
    pages = new_window(browser, WINDOW)

    def start(**answers: Any) -> Sidebar:
        return Sidebar(pages.new_page(), lab, answers)

    yield start
    pages.close()


def node(**changes: Any) -> dict[str, Any]:
    """Return the answers of a node with eight GPUs; figures and names are invented."""
    answers = {name: captured(name) for name in ("models", "recipes", "plan")}
    return {"status": captured("node"), **answers, **changes}


def test_the_demo_without_any_notebook(
    open_sidebar: OpenSidebar, fake: FakeEngine, tmp_path: Path
) -> None:
    gates = {stage: tmp_path / stage for stage in ("boot", "load")}
    fake(gates={stage: str(file) for stage, file in gates.items()}, shards=6)
    from_launch_to_stop(open_sidebar(), "fake", **gates)


@pytest.mark.engine
@pytest.mark.timeout(900)
def test_the_demo_on_the_real_engine(open_sidebar: OpenSidebar, real_engine: None) -> None:
    from_launch_to_stop(open_sidebar(), "vllm")


def from_launch_to_stop(
    sidebar: Sidebar, engine: str, boot: Path | None = None, load: Path | None = None
) -> None:
    """Launch by one click, follow, use from a notebook, restart its kernel, stop.

    What is made once a stage was seen, where anything is, lets the engine go on to the next.
    """
    servers, status = sidebar.section("Servers"), sidebar.status()
    expect(sidebar.section("GPUs")).to_contain_text("This machine has no AMD GPU device.")
    expect(servers).to_contain_text("None running.")
    # The engine is asked meanwhile, once, what it is.
    expect(status).to_have_text("aim: no GPU · demo available", timeout=READY_S * SECOND)
    sidebar.screenshot(f"{engine}-1-empty")

    sidebar.button("Launch CPU demo").click()
    progress = servers.get_by_role("progressbar", name="demo")
    expect(progress).to_be_visible(timeout=LIMIT_S * SECOND)
    expect(status).to_have_text("aim: 1 starting")
    expect(servers).to_contain_text(re.compile(r"boot\s*1 of \d"), timeout=LIMIT_S * SECOND)
    if boot:
        boot.touch()
    expect(servers).to_contain_text(re.compile(r"load\s*2 of \d"), timeout=READY_S * SECOND)
    sidebar.screenshot(f"{engine}-2-starting")
    if load:
        load.touch()
    expect(servers).to_contain_text("running · CPU", timeout=READY_S * SECOND)
    expect(servers).to_contain_text(re.compile(r"\d+ tok/s.*KV \d+ %", re.DOTALL))
    expect(servers).to_contain_text(re.compile(r"http://127\.0\.0\.1:\d+/v1"))
    expect(status).to_have_text("aim: 1 running")
    insert = sidebar.button("Insert client of demo")
    expect(insert).to_have_attribute("aria-disabled", "true")
    sidebar.screenshot(f"{engine}-3-running")

    sidebar.button("Logs of demo").click()
    expect(sidebar.page.get_by_role("log")).to_contain_text("Starting vLLM server")

    sidebar.open_notebook()
    expect(insert).to_have_attribute("aria-disabled", "false")
    insert.click()
    source = sidebar.active_source()
    assert source.startswith("%load_ext aim_jupyter\n")
    assert "%aim client demo" in source
    assert sidebar.run_active(limit_s=READY_S)
    sidebar.screenshot(f"{engine}-4-client")
    sidebar.restart_kernel()
    sidebar.refresh()
    expect(servers).to_contain_text("running · CPU")
    expect(servers).to_contain_text(re.compile(r"Last request \d+ s ago|Idle \d+ s"))
    expect(status).to_have_text("aim: 1 running")

    sidebar.button("Stop demo").click()
    expect(servers).to_contain_text("None running.", timeout=LIMIT_S * SECOND)
    expect(status).to_have_text("aim: no GPU · demo available")
    assert sidebar.errors == []


def test_the_launch_form_asks_the_same_core(open_sidebar: OpenSidebar, fake: FakeEngine) -> None:
    fake()
    sidebar = open_sidebar()
    sidebar.command("aim-jupyter:launch")
    form = sidebar.section("Launch").get_by_role("form")
    expect(form.get_by_role("combobox", name="Model")).to_be_focused()
    expect(form).to_contain_text("FITS", timeout=LIMIT_S * SECOND)
    expect(form.get_by_label("Recipe")).to_contain_text("cpu-bf16-tp1")
    expect(sidebar.button("Copy as magic").last).to_have_attribute("title", "%aim launch")

    model = form.get_by_role("combobox", name="Model")
    model.fill("no/such-model")
    model.press("Enter")
    expect(form.get_by_role("alert")).to_contain_text("no/such-model", timeout=LIMIT_S * SECOND)
    sidebar.screenshot("form-refused")

    model.fill("dem")
    model.press("Enter")
    expect(model).to_have_value("demo")
    expect(form.get_by_role("alert")).to_have_count(0)
    expect(form).to_contain_text("FITS", timeout=LIMIT_S * SECOND)
    form.get_by_role("button", name="Launch").click()
    expect(sidebar.section("Servers")).to_contain_text("running · CPU", timeout=LIMIT_S * SECOND)
    # A second click starts nothing, and who chooses the same turns to the server that runs.
    expect(form).to_contain_text("Choose a model to see whether it fits.")
    expect(form.get_by_role("button", name="Launch")).to_have_attribute("aria-disabled", "true")
    expect(form).to_contain_text("1 running")
    model.fill("demo")
    expect(form.get_by_role("option", selected=True)).to_contain_text("running")
    sidebar.screenshot("form-running")
    model.press("Enter")
    expect(sidebar.section("Servers").get_by_role("listitem", name="demo")).to_be_focused()
    assert sidebar.errors == []


def test_a_model_is_tried_where_it_runs(open_sidebar: OpenSidebar, fake: FakeEngine) -> None:
    fake(token_s=0.05)
    sidebar = open_sidebar()
    sidebar.button("Launch CPU demo").click()
    servers = sidebar.section("Servers")
    expect(servers).to_contain_text("running · CPU", timeout=LIMIT_S * SECOND)
    # By the keyboard alone.
    sidebar.button("Try demo").press("Enter")
    prompt = servers.get_by_role("textbox", name="What you ask demo")
    prompt.press_sequentially("Hello you")
    prompt.press("Enter")
    expect(servers).to_contain_text("You said: Hello you", timeout=9000)
    expect(servers).to_contain_text(re.compile(r"first token [\d,]+ ms"))
    expect(sidebar.button("Copy as code")).to_be_visible()
    sidebar.screenshot("try-it")
    assert sidebar.errors == []


def test_a_failed_start_says_why(open_sidebar: OpenSidebar, fake: FakeEngine) -> None:
    line = "ValueError: No available memory for the cache blocks. Try increasing"
    fake(fail_at="load", fail_line=line)
    sidebar = open_sidebar()
    sidebar.button("Launch CPU demo").click()
    servers = sidebar.section("Servers")
    expect(servers).to_contain_text("failed in load", timeout=LIMIT_S * SECOND)
    expect(sidebar.status()).to_have_text("aim: 1 failed")
    sidebar.button("Why").click()
    expect(servers).to_contain_text(line)
    sidebar.screenshot("failed")
    sidebar.button("Forget demo").click()
    expect(servers).to_contain_text("None running.")
    expect(sidebar.status()).to_have_text("aim: no GPU · demo available")
    assert sidebar.errors == []


def test_every_state_in_both_themes_and_three_widths(
    open_sidebar: OpenSidebar, fake: FakeEngine
) -> None:
    fake()
    sidebar = open_sidebar(**node(status=LATER))
    for section in ("GPUs", "Servers", "Cache"):
        expect(sidebar.section(section)).to_contain_text("reading")
    expect(sidebar.status()).to_have_text("aim: reading")
    sidebar.screenshot("states-loading")
    sidebar.answer(status=captured("node"))
    expect(sidebar.section("GPUs")).to_contain_text("1 free of 8")
    sidebar.page.set_viewport_size({"width": 720, "height": 960})
    for theme, name in ((DARK, "dark"), (LIGHT, "light")):
        sidebar.theme(theme)
        for width in (374, 360, 300):
            sidebar.width(width)
            sidebar.screenshot(f"{name}-{width}")
            # Nothing is cut off: at no width does the sidebar scroll sideways.
            assert sidebar.overflow() <= 0
        assert sidebar.page.evaluate(CONTRAST, LEAST) == []
        model = sidebar.node.get_by_role("combobox", name="Model")
        model.fill("qwen 32")
        model.press("End")
        for width in (360, 300, 240):
            sidebar.width(width)
            sidebar.screenshot(f"picker-{name}-{width}")
            assert sidebar.overflow() <= 0
        assert findings(sidebar.page, ".aim-Sidebar") == []
        model.press("Escape")

    sidebar.answers = node(status=captured("failed"))
    sidebar.refresh()
    expect(sidebar.section("Servers")).to_contain_text("1 failed")
    sidebar.screenshot("states-failed")

    closed = captured("node")
    refused = {"state": None, "usable": False, "reason": "/dev/kfd: permission denied"}
    closed["gpus"] = [{**gpu, **refused} for gpu in closed["gpus"]]
    sidebar.answers = node(status={**closed, "servers": []})
    sidebar.refresh()
    expect(sidebar.section("GPUs")).to_contain_text("8 GPUs found, none can be opened")
    expect(sidebar.status()).to_have_text("aim: no GPU access")
    sidebar.screenshot("states-no-access")
    assert sidebar.overflow() <= 0

    sidebar.answers = node(status=None)
    sidebar.refresh()
    expect(sidebar.node).to_contain_text("Jupyter has not answered since")
    expect(sidebar.status()).to_have_text("aim: not connected")
    sidebar.screenshot("states-lost")
    sidebar.answers = node()
    sidebar.button("Try now").click()
    expect(sidebar.node).not_to_contain_text("has not answered")
    assert sidebar.errors == []


def test_a_stop_asks_only_while_requests_run(open_sidebar: OpenSidebar, fake: FakeEngine) -> None:
    fake()
    status = captured("node")
    status["servers"][1]["running_requests"] = 12
    sidebar = open_sidebar(**node(status=status, **{"servers/qwen3-8b": {}}))
    sidebar.button("Stop qwen3-8b").click()
    dialog = sidebar.page.get_by_role("dialog")
    expect(dialog).to_contain_text("Stop qwen3-8b?")
    expect(dialog).to_contain_text("12 requests are running.")
    sidebar.screenshot("stop-asks")
    dialog.get_by_role("button", name="Keep running").click()
    assert "servers/qwen3-8b" not in sidebar.asked
    sidebar.button("Stop qwen3-32b").click()
    expect(sidebar.page.get_by_role("dialog")).to_have_count(1)


def test_keys_do_what_clicks_do(open_sidebar: OpenSidebar, fake: FakeEngine) -> None:
    fake()
    sidebar = open_sidebar(**node())
    head = sidebar.node.get_by_role("button", name=re.compile("^Cache"))
    for key, expanded in (("Enter", "false"), ("Space", "true")):
        head.press(key)  # focused anew: JupyterLab, once it is up, takes the focus
        expect(head).to_have_attribute("aria-expanded", expanded)
    sidebar.node.get_by_role("button", name="Refresh").press("Tab")
    expect(sidebar.node.get_by_role("button", name=re.compile("^GPUs"))).to_be_focused()


def test_what_is_kept_for_tests_is_what_is_answered(
    open_sidebar: OpenSidebar, fake: FakeEngine
) -> None:
    fake()
    sidebar = open_sidebar()
    sidebar.button("Launch CPU demo").click()
    expect(sidebar.section("Servers")).to_contain_text("running · CPU", timeout=LIMIT_S * SECOND)
    told, kept = sidebar.ask("status"), captured("node")
    assert set(kept) <= set(told)
    assert set(kept["gpus"][0]) == {*COLUMNS["gpus"], "mine"}
    running = told["servers"][0]
    for one in kept["servers"]:
        assert set(one) <= set(running)
    assert set(kept["servers"][1]["sample"]) <= set(running["sample"])
    assert set(kept["servers"][0]["stages"][0]) <= set(running["stages"][0])
    (recipe, *_) = sidebar.ask("recipes?model=demo")["rows"]
    assert set(captured("recipes")["rows"][0]) <= set(recipe)
    assert set(captured("models")["models"][0]) <= set(sidebar.ask("models")["models"][0])


def test_notebook_7_has_it_too(open_sidebar: OpenSidebar, fake: FakeEngine) -> None:
    fake()
    sidebar = open_sidebar()
    sidebar.visit("notebooks/quickstart.ipynb")
    sidebar.command("aim-jupyter:open")
    expect(sidebar.button("Launch CPU demo")).to_be_visible(timeout=LIMIT_S * SECOND)
    sidebar.screenshot("notebook-7")
    assert sidebar.overflow() <= 0
    # Notebook 7.6 has an error of its own at each start, also without the sidebar.
    assert [error for error in sidebar.errors if "aim-jupyter" in error] == []
