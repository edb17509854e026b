"""A real JupyterLab with everything of its own, and a notebook of it in a real browser."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import httpx
from playwright.sync_api import ConsoleMessage, Locator, Page

ROOT = Path(__file__).parents[2]
QUICKSTART = ROOT / "notebooks" / "quickstart.ipynb"
SCREENSHOTS = ROOT / "build" / "screenshots"
TOKEN = "only-for-tests"
DARK, LIGHT = "JupyterLab Dark", "JupyterLab Light"
#: On two shared cores a step that takes 3 s alone has been seen to take 12 s.
LIMIT_S = 60
#: JupyterLab itself, which takes 3 s alone, has taken more than 30 s.
START_S = 120

_CHROMIUMS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
#: The news would cover the notebook, and asks the internet.
_SETTINGS = {
    "notification": {"fetchNews": "false", "checkForUpdates": False},
}
#: JupyterLab's own: the browser reports them as errors, no page of ours has a part in them.
_FOREIGN_NOISE = ("favicon", "WebGL", "Failed to load resource")


def chromium() -> str | None:
    """Return the program of the machine's own Chromium, None where there is none."""
    return next(filter(None, map(shutil.which, _CHROMIUMS)), None)


class Lab:
    """A JupyterLab process.

    Parameters
    ----------
    folder : Path
        Where all of its own goes: notebooks, settings, runtime files, its log.
    environment : mapping
        What it and its kernels run with.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.folder = folder
        self.notebooks = folder / "notebooks"
        self.notebooks.mkdir(parents=True)
        self._lay_out()
        with (folder / "lab.log").open("wb") as log:
            self._process = subprocess.Popen(
                self._argv(),
                env=self._environment(environment),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.url = self._wait_for_url()

    def tidy(self) -> None:
        """End its kernels, and take back what was opened, changed or set in it."""
        headers = {"Authorization": f"token {TOKEN}"}
        with httpx.Client(base_url=self.url, headers=headers, timeout=LIMIT_S) as client:
            for kernel in client.get("api/kernels").raise_for_status().json():
                # One that a session has ended meanwhile is gone.
                assert client.delete(f"api/kernels/{kernel['id']}").status_code in (204, 404)
        shutil.rmtree(self.folder / "config")
        for path in self.notebooks.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        self._lay_out()

    def _lay_out(self) -> None:
        for notebook in QUICKSTART.parent.glob("*.ipynb"):
            shutil.copy(notebook, self.notebooks)
        _write_settings(self.folder / "config")

    def _argv(self) -> list[str]:
        # Port 0: the system chooses, so that two runs on one machine can't meet.
        options = {
            "ServerApp.ip": "127.0.0.1",
            "ServerApp.port": "0",
            "ServerApp.root_dir": str(self.notebooks),
            "IdentityProvider.token": TOKEN,
            "LabApp.expose_app_in_browser": "True",
            "JupyterNotebookApp.expose_app_in_browser": "True",
        }
        given = [f"--{name}={value}" for name, value in options.items()]
        return [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root", *given]

    def _environment(self, given: Mapping[str, str]) -> dict[str, str]:
        of_others = ("JUPYTER", "IPYTHON", "JPY_")
        mine = {k: v for k, v in given.items() if not k.startswith(of_others)}
        for kind in ("config", "data", "runtime"):
            mine[f"JUPYTER_{kind.upper()}_DIR"] = str(self.folder / kind)
        return mine

    def _wait_for_url(self) -> str:
        end = time.monotonic() + START_S
        while time.monotonic() < end and self._process.poll() is None:
            for told in (self.folder / "runtime").glob("jpserver-*.json"):
                text = told.read_text()
                if text.endswith("}"):
                    return str(json.loads(text)["url"])
            time.sleep(0.05)
        self.end()
        raise AssertionError("JupyterLab did not start:\n" + (self.folder / "lab.log").read_text())

    def end(self) -> None:
        """End it with its kernels; what does not go by itself is killed."""
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()


class Notebook:
    """A notebook that is open in a browser, driven through JupyterLab's own commands.

    Keys and clicks are used only where they are the subject: commands do not depend on focus.
    """

    def __init__(self, page: Page, lab: Lab, name: str = QUICKSTART.name) -> None:
        self.page = page
        self.errors: list[str] = []
        page.on("console", self._note)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        self._address = f"{lab.url}lab/tree/{name}?token={TOKEN}&reset"
        self.reload()
        # A narrow window: the file browser would take a quarter of it from the notebook.
        self.command("application:toggle-left-area")
        self.wait_until_idle()

    def reload(self) -> None:
        """Open the page anew; the kernel of the notebook goes on."""
        page = self.page
        page.goto(self._address)
        page.wait_for_selector("#jupyterlab-splash", state="detached", timeout=START_S * 1000)
        page.wait_for_selector(".jp-NotebookPanel .jp-Cell", timeout=LIMIT_S * 1000)
        self.wait_until_idle()

    # -- what a user does ------------------------------------------------------------------------

    def command(self, name: str, **options: object) -> None:
        """Carry out one of JupyterLab's commands and wait until it has ended."""
        self.script(
            "async ([name, options]) => { await jupyterapp.commands.execute(name, options) }",
            [name, options],
        )

    def run(self, index: int) -> Locator:
        """Run the cell at `index` and return its output area once the kernel has answered."""
        self.script("(index) => { _panel().content.activeCellIndex = index }", index)
        self.command("notebook:run-cell")
        return self.output(index)

    def run_code(self, code: str) -> Locator:
        """Append a cell with `code`, run it and return its output area."""
        return self.run(self.append(code))

    def ran(self, start: str) -> int:
        """Run the first cell that begins with `start` and return its index."""
        index = next(at for at, text in enumerate(self.sources()) if text.startswith(start))
        self.run(index)
        return index

    def type(self, text: str, index: int) -> None:
        """Type `text` into the cell at `index`, as a user does."""
        self.cell(index).locator(".cm-content").click()
        self.page.keyboard.type(text)

    def append(self, code: str) -> int:
        """Append a cell with `code` and return its index."""
        return int(
            self.script(
                """(code) => {
                    const cells = _panel().content.model.sharedModel;
                    cells.insertCell(cells.cells.length, {cell_type: 'code', source: code});
                    return cells.cells.length - 1;
                }""",
                code,
            )
        )

    def restart_kernel(self) -> None:
        """Restart the kernel, without the question that the menu asks."""
        self.script("async () => { await _panel().sessionContext.session.kernel.restart() }")
        self.wait_until_idle()

    def theme(self, name: str) -> None:
        """Change to JupyterLab's theme `name`."""
        self.command("apputils:change-theme", theme=name)
        light = str(name == LIGHT).lower()
        # Attached, not visible: all of the body is positioned, so the body itself has no size.
        self.page.wait_for_selector(f"body[data-jp-theme-light='{light}']", state="attached")
        # A theme is loaded behind the same curtain as the program itself.
        self.page.wait_for_selector("#jupyterlab-splash", state="detached")

    # -- what a user sees ------------------------------------------------------------------------

    def sources(self) -> list[str]:
        """Return the cells' sources, empty for a cell that is not code."""
        found = self.script(
            "() => _panel().content.widgets.map("
            "cell => cell.model.type === 'code' ? cell.model.sharedModel.source : '')"
        )
        return cast(list[str], found)

    def cell(self, index: int) -> Locator:
        """Return the cell at `index`, brought into view: JupyterLab draws no others."""
        self.script(
            "async (index) => { await _panel().content.scrollToItem(index, 'smart') }", index
        )
        return self.page.locator(f".jp-Cell[data-windowed-list-index='{index}']")

    def output(self, index: int) -> Locator:
        """Return the output area of the cell at `index`: never its source."""
        return self.cell(index).locator(".jp-Cell-outputArea")

    def wait_for_source(self, index: int, text: str) -> None:
        """Wait until the cell at `index` holds `text`."""
        self.page.wait_for_function(
            """([index, text]) =>
                jupyterapp.shell.currentWidget.content.widgets[index]
                    .model.sharedModel.source === text""",
            arg=[index, text],
            timeout=LIMIT_S * 1000,
        )

    def outputs(self, index: int) -> list[dict[str, Any]]:
        """Return the outputs of the cell at `index` as the notebook would be saved."""
        found = self.script(
            "(index) => _panel().content.widgets[index].model.outputs.toJSON()", index
        )
        return cast(list[dict[str, Any]], found)

    def wait_for_output(self, index: int, text: str) -> None:
        """Wait until what would be saved of the cell at `index` holds `text`, seen or not."""
        end = time.monotonic() + LIMIT_S
        while text not in json.dumps(self.outputs(index), ensure_ascii=False):
            assert time.monotonic() < end, self.outputs(index)
            time.sleep(0.2)

    def screenshot(self, name: str, *indices: int) -> None:
        """Keep a picture of the cells at `indices`, or of the window without any."""
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        if not indices:
            self.page.screenshot(path=SCREENSHOTS / f"{name}.png")
        for index in indices:
            path = SCREENSHOTS / (f"{name}-{index}.png" if len(indices) > 1 else f"{name}.png")
            self.cell(index).screenshot(path=path)

    # -- small things ----------------------------------------------------------------------------

    def wait_until_idle(self) -> None:
        """Wait until the kernel is there and has nothing to do."""
        self.page.wait_for_function(
            """() => {
                const session = jupyterapp.shell.currentWidget?.sessionContext?.session;
                return session?.kernel?.connectionStatus === 'connected'
                    && session.kernel.status === 'idle';
            }""",
            timeout=LIMIT_S * 1000,
        )

    def script(self, code: str, given: object = None) -> Any:
        """Run JavaScript in the page; ``_panel()`` is the notebook's panel."""
        panel = "const _panel = () => jupyterapp.shell.currentWidget;"
        return self.page.evaluate(f"(given) => {{ {panel} return ({code})(given) }}", given)

    def _note(self, message: ConsoleMessage) -> None:
        if message.type == "error" and not any(word in message.text for word in _FOREIGN_NOISE):
            self.errors.append(message.text)


def _write_settings(config: Path) -> None:
    folder = config / "lab" / "user-settings" / "@jupyterlab" / "apputils-extension"
    folder.mkdir(parents=True)
    for name, settings in _SETTINGS.items():
        (folder / f"{name}.jupyterlab-settings").write_text(json.dumps(settings))
