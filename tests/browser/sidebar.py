"""JupyterLab's sidebar of ours in a real browser, on the real REST or on captured answers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from playwright.sync_api import Locator, Page, Route

from tests.browser.lab import LIGHT, LIMIT_S, ROOT, SCREENSHOTS, START_S, TOKEN, Lab

BUILT = ROOT / "aim_jupyter" / "labextension" / "package.json"
FIXTURES = ROOT / "labextension" / "tests" / "fixtures"
#: An answer that comes when it is given: until then whoever asks waits.
LATER = object()
#: Of the widths, JupyterLab's bar of tabs takes 33 px.
BAR = 33


def captured(name: str) -> Any:
    """Return an answer of the REST that is kept for tests."""
    return json.loads((FIXTURES / f"{name}.json").read_text())


class Sidebar:
    """A JupyterLab without any notebook, and our sidebar open in it.

    Parameters
    ----------
    answers : dict
        What the REST answers instead of the real one, by the end of the path: a value, None for
        no answer at all, or `LATER`.
    """

    def __init__(self, page: Page, lab: Lab, answers: dict[str, Any] | None = None) -> None:
        self.page, self.lab = page, lab
        self.errors: list[str] = []
        self.asked: list[str] = []
        self.answers = answers or {}
        self._held: list[Route] = []
        page.on("pageerror", lambda error: self.errors.append(f"{error} {error.stack}"))
        page.route(re.compile(r"/aim/[^?]*"), self._answer)
        self.node = page.locator(".aim-Sidebar")
        self.visit("lab")
        self.command("aim-jupyter:open")
        self.node.wait_for(timeout=LIMIT_S * 1000)

    def visit(self, path: str) -> None:
        """Open the program at `path`, such as ``lab``, and wait until it is ready."""
        self.page.goto(f"{self.lab.url}{path}?token={TOKEN}&reset")
        self.page.wait_for_selector("#jupyterlab-splash", state="detached", timeout=START_S * 1000)
        self.page.wait_for_function(
            "window.jupyterapp?.commands.hasCommand('aim-jupyter:open')", timeout=START_S * 1000
        )
        # What is shown on the left is decided last: by the layout of the session before.
        self.page.evaluate("async () => { await jupyterapp.restored }")

    def _answer(self, route: Route) -> None:
        end = route.request.url.split("/aim/")[1].split("?")[0]
        self.asked.append(end)
        if end not in self.answers:
            route.continue_()
        elif self.answers[end] is None:
            route.abort()
        elif self.answers[end] is LATER:
            self._held.append(route)
        else:
            route.fulfill(json=self.answers[end])

    def answer(self, **answers: Any) -> None:
        """Answer what waits, and from now on, with these."""
        self.answers |= answers
        held, self._held = self._held, []
        for route in held:
            self._answer(route)

    def command(self, name: str, **options: object) -> None:
        """Carry out a command and wait until it has ended."""
        self.page.evaluate(
            "async ([name, options]) => { await jupyterapp.commands.execute(name, options) }",
            [name, options],
        )

    def width(self, whole: int) -> None:
        """Make the sidebar as wide as `whole`, with JupyterLab's bar of tabs."""
        self.page.evaluate(
            """(width) => {
                const sizes = [width, window.innerWidth - width, 0];
                jupyterapp.shell._hsplitPanel.setRelativeSizes(sizes);
            }""",
            whole - BAR,
        )

    def section(self, title: str) -> Locator:
        """Return the section with that title."""
        heading = self.page.get_by_role("button", name=title).first
        return self.node.locator("section").filter(has=heading)

    def button(self, name: str) -> Locator:
        """Return a button of the sidebar by its whole name."""
        return self.node.get_by_role("button", name=name, exact=True)

    def status(self) -> Locator:
        """Return our item of the status bar."""
        return self.page.locator(".aim-StatusItem")

    def refresh(self) -> None:
        """Ask the machine again, now."""
        self.command("aim-jupyter:refresh")

    def ask(self, path: str) -> Any:
        """Return what the real REST answers, asked as the sidebar asks it."""
        url = f"{self.lab.url}aim/{path}"
        answer = self.page.request.get(url, headers={"Authorization": f"token {TOKEN}"})
        assert answer.ok, answer.text()
        return answer.json()

    def overflow(self) -> int:
        """Return by how many pixels the content is wider than the sidebar."""
        return int(self.node.evaluate("(node) => node.scrollWidth - node.clientWidth"))

    def theme(self, name: str) -> None:
        """Change to JupyterLab's theme `name`."""
        self.command("apputils:change-theme", theme=name)
        light = str(name == LIGHT).lower()
        self.page.wait_for_selector(f"body[data-jp-theme-light='{light}']", state="attached")
        self.page.wait_for_selector("#jupyterlab-splash", state="detached")

    # -- a notebook beside it --------------------------------------------------------------------

    def open_notebook(self) -> None:
        """Open a notebook that is new and wait for its kernel."""
        self.command("notebook:create-new", kernelName="python3")
        self._wait_until_idle()

    def active_source(self) -> str:
        """Return the source of the active cell."""
        return str(self._panel("panel.content.activeCell.model.sharedModel.source"))

    def run_active(self, limit_s: float = LIMIT_S) -> str:
        """Run the active cell and return the text of its result."""
        self.page.set_default_timeout(limit_s * 1000)
        self.command("notebook:run-cell")
        outputs = self._panel("panel.content.activeCell.model.outputs.toJSON()")
        assert [one["output_type"] for one in outputs] == ["execute_result"], outputs
        return str(outputs[0]["data"]["text/plain"])

    def restart_kernel(self) -> None:
        """Restart the kernel, without the question that the menu asks."""
        self.page.evaluate(
            "async () => { await jupyterapp.shell.currentWidget.sessionContext.session"
            ".kernel.restart() }"
        )
        self._wait_until_idle()

    def _panel(self, expression: str) -> Any:
        return self.page.evaluate(
            f"() => {{ const panel = jupyterapp.shell.currentWidget; return {expression} }}"
        )

    def _wait_until_idle(self) -> None:
        self.page.wait_for_function(
            """() => {
                const session = jupyterapp.shell.currentWidget?.sessionContext?.session;
                return session?.kernel?.connectionStatus === 'connected'
                    && session.kernel.status === 'idle';
            }""",
            timeout=LIMIT_S * 1000,
        )

    def screenshot(self, name: str) -> Path:
        """Keep a picture of the window."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        path = SCREENSHOTS / f"sidebar-{name}.png"
        self.page.screenshot(path=path)
        return path
