"""The panel's controls: real ipywidgets, in a shell and in a real kernel, without a browser."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell
from nbclient import NotebookClient
from nbconvert import HTMLExporter

from aim_jupyter.core.request import Request
from aim_jupyter.panel.controls import WRITING
from aim_jupyter.panel.state import Form
from aim_jupyter.panel.view import Panel
from tests.conftest import FakeEngine
from tests.notebook.cells import Session, session
from tests.panel.test_controller import Held
from tests.waiting import LIMIT_S, launch_ready, until

__all__ = ["session"]

NOTEBOOK = Path(__file__).parents[2] / "notebooks" / "panel.ipynb"


@pytest.fixture
def panel(fake: FakeEngine) -> Iterator[Panel]:
    fake(load_s=0.3)
    InteractiveShell.clear_instance()
    made = Panel(Form(chosen=Request(model="demo")))
    made.root._view_count = 1
    yield made
    made.close()
    reached(lambda: not threads())


def threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("aim-panel")]


def choose(control: Any, value: object) -> None:
    """Set a control as the browser does."""
    with WRITING:
        control.value = value


def reached(is_so: Callable[[], object]) -> None:
    until(lambda: bool(is_so()))


def test_what_is_chosen_becomes_a_line_and_a_server(
    panel: Panel, monkeypatch: pytest.MonkeyPatch
) -> None:
    form, servers, _ = panel.fill()
    reached(lambda: not form.launch.disabled)
    assert ">%aim launch</pre>" in form.line.value
    assert form.model.shown["chosen"] == "demo"
    choose(form.users, 3)
    choose(form.idle_s, 0)
    choose(form.typed, "--max-num-seqs 8")
    wanted = "%aim launch --idle never --max-num-seqs 8"
    reached(lambda: wanted in form.line.value and not form.launch.disabled)
    assert panel.controller.scene.form.chosen.users == 3

    launching = Held(monkeypatch, "launch")
    form.launch.click()
    assert panel.controller.scene.doing, "a click does not wait for what it begins"
    launching.release.set()
    reached(lambda: panel.tabs.selected_index == 1)
    reached(lambda: "running" in servers.body.value and "Time to first token" in servers.body.value)
    assert panel.tabs.titles[1] == "Servers (1)"
    assert "client = %aim client demo" in servers.addresses.value
    assert "Stops only when you stop it." in servers.note.value
    servers.stop.click()
    reached(lambda: "stopped" in servers.body.value)
    reached(lambda: panel.tabs.titles[1] == "Servers")


def test_a_mistake_is_said_in_place_and_nothing_can_be_launched(panel: Panel) -> None:
    form, *_ = panel.fill()
    choose(form.typed, "--max-nmu-seqs 8")
    reached(lambda: "has no option --max-nmu-seqs" in form.problem.value)
    assert "Try: " in form.problem.value
    assert form.launch.disabled
    choose(form.typed, "")
    reached(lambda: not form.launch.disabled)
    assert form.problem.value == ""


def test_what_the_browser_says_of_views_starts_and_ends_the_looking(panel: Panel) -> None:
    launch_ready()
    reached(lambda: panel.tabs.titles[1] == "Servers (1)")
    panel.root._view_count = 0
    assert not panel.controller._watched.is_set()
    panel.root._view_count = 1
    assert panel.controller._watched.is_set()


def test_a_model_of_the_search_is_taken_and_text_from_outside_stays_text(panel: Panel) -> None:
    form, *_ = panel.fill()
    reached(lambda: not form.launch.disabled)
    form.model._said(None, {"do": "choose", "model": "/no/<b>folder</b>", "another": False}, [])
    reached(lambda: "There is no folder" in form.problem.value)
    assert "<b>" not in form.problem.value
    assert "<b>" not in form.line.value
    form.model._said(None, {"do": "choose", "model": "demo", "another": False}, [])
    reached(lambda: form.model.shown["chosen"] == "demo" and not form.launch.disabled)


def test_closing_ends_threads_and_controls_and_not_the_server(panel: Panel) -> None:
    folder = launch_ready()
    reached(lambda: panel.tabs.titles[1] == "Servers (1)")
    panel.close()
    reached(lambda: not threads())
    assert panel.root.comm is None
    assert folder.read().state == "running"
    assert repr(panel) == "Panel('demo', closed)"


def test_the_first_paint_imports_none_of_what_comes_later() -> None:
    code = "import sys, aim_jupyter.notebook.session, aim_jupyter.panel.view; print(*sys.modules)"
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    # The packages themselves import nothing.
    later = (
        *("serving.servers", "serving.state", "gpus.facts", "recipes.catalogue", "planning.plan"),
        *("engines.environments", "cache.scan", "metrics.history", "api.plans", "api.lifecycle"),
    )
    loaded = {*found.stdout.split()} & {f"aim_jupyter.core.{name}" for name in later}
    assert loaded | {*found.stdout.split()} & {"aim_jupyter.render.panel", "pandas"} == set()


def test_without_ipywidgets_the_line_is_printed(
    session: Session, fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()
    monkeypatch.setattr("aim_jupyter.notebook.session.find_spec", lambda _: None)
    shown = session.run("%aim panel demo --context 512").stdout
    assert shown.splitlines()[-1] == "%aim launch --context 512"


def test_where_nothing_can_be_clicked_the_line_stands(fake: FakeEngine, tmp_path: Path) -> None:
    fake()
    notebook = nbformat.read(NOTEBOOK, as_version=4)
    notebook.cells = [one for one in notebook.cells if "server" not in one.metadata.get("tags", [])]
    client = NotebookClient(
        notebook, kernel_name="python3", store_widget_state=False, timeout=LIMIT_S
    )
    client.execute()
    outputs = next(one for one in notebook.cells if one.source == "%aim panel").outputs
    shown, left = (one.data for one in outputs)
    assert "application/vnd.jupyter.widget-view+json" in shown
    assert shown["text/html"] == ""
    html, _ = HTMLExporter().from_notebook_node(notebook)
    assert "The panel as it was." in html
    assert "%aim panel" in left["text/plain"]
