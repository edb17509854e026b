"""A server that ends with the Jupyter server that it was launched from: a real one."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aim_jupyter.core import api, serving
from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.request import Request
from aim_jupyter.core.serving import ServerFolder
from aim_jupyter.core.serving.servers import jupyter
from tests.conftest import FakeEngine
from tests.waiting import LIMIT_S, free_port, until

TOKEN = "a-token-of-this-test"


class Jupyter:
    """A Jupyter server without a browser."""

    def __init__(self, home: Path) -> None:
        self.port = free_port()
        self.startup = home / "ipython" / "profile_default" / "startup"
        self.startup.mkdir(parents=True)
        self.process = subprocess.Popen(
            [
                *(sys.executable, "-m", "jupyter_server", "--allow-root"),
                *(f"--port={self.port}", f"--IdentityProvider.token={TOKEN}"),
                *("--ServerApp.log_level=ERROR", f"--ServerApp.root_dir={home}"),
            ],
            env={**os.environ, "IPYTHONDIR": str(home / "ipython")},
            start_new_session=True,
        )
        until(self._up)

    def _up(self) -> bool:
        try:
            return bool(self.ask("GET", "/api/status"))
        except OSError:
            return False

    def ask(self, method: str, path: str) -> Any:
        """Return what the REST API answers."""
        url = f"http://127.0.0.1:{self.port}{path}"
        headers = {"Authorization": f"token {TOKEN}"}
        body = b"{}" if method == "POST" else None
        asked = urllib.request.Request(url, body, headers, method=method)
        with urllib.request.urlopen(asked, timeout=LIMIT_S) as answer:
            return json.load(answer)

    def run(self, code: str) -> None:
        """Run code in a new kernel of this server: what stands in its startup folder."""
        (self.startup / "first.py").write_text(code)
        self.ask("POST", "/api/kernels")


@pytest.fixture
def server(tmp_path: Path, fake: FakeEngine) -> Iterator[Jupyter]:
    """Run a Jupyter server, whose kernels find a fake engine."""
    fake()
    running = Jupyter(tmp_path)
    yield running
    if running.process.poll() is None:
        running.process.terminate()
        running.process.wait(LIMIT_S)


LAUNCH = "import aim_jupyter as aim; aim.launch('demo', name={name!r}, new=True, {more})"


def ready(name: str) -> ServerFolder:
    """Return the server that a kernel launches."""
    until(lambda: name in [folder.name for folder in serving.folders()])
    folder = serving.find(name)
    until(lambda: serving.current(folder).state == "running")
    return folder


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_it_ends_with_its_jupyter_server_and_others_do_not(
    server: Jupyter, number: signal.Signals
) -> None:
    server.run(
        f"{LAUNCH.format(name='bound', more='with_jupyter=True')}\n"
        f"{LAUNCH.format(name='free', more='')}"
    )
    bound, free = ready("bound"), ready("free")
    lives_with = bound.read().plan.lives_with
    assert lives_with is not None
    assert lives_with.pid == server.process.pid
    assert bound.read().plan.asked[-1] == "--with-jupyter"
    kernels = [kernel["id"] for kernel in server.ask("GET", "/api/kernels")]
    assert kernels
    os.kill(server.process.pid, number)
    server.process.wait(LIMIT_S)
    until(lambda: bound.read().state == "stopped")
    assert bound.read().reason == "its Jupyter server has ended"
    time.sleep(1)
    assert serving.current(free).state == "running"


def test_a_new_supervisor_still_ends_it_with_its_jupyter_server(
    server: Jupyter,
) -> None:
    server.run(LAUNCH.format(name="bound", more="with_jupyter=True"))
    bound = ready("bound")
    supervisor = bound.read().supervisor
    assert supervisor is not None
    os.kill(supervisor.pid, signal.SIGKILL)
    os.kill(server.process.pid, signal.SIGKILL)
    server.process.wait(LIMIT_S)
    until(lambda: bound.read().state == "stopped")


def test_without_a_jupyter_server_it_is_refused(
    fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()
    monkeypatch.setenv("JPY_PARENT_PID", "999999999")
    with pytest.raises(BadUsage, match="No Jupyter server"):
        api.launch(Request(model="demo", with_jupyter=True))
    assert list(serving.folders()) == []


@pytest.mark.parametrize(
    ("line", "known"),
    [
        ("/opt/venv/bin/python /opt/venv/bin/jupyter-lab --no-browser", True),
        ("/usr/bin/python3 -m jupyterlab", True),
        ("python -I -m jupyterhub.singleuser --port=0", True),
        ("/opt/venv/bin/python /opt/venv/bin/jupyter lab", True),
        ("/opt/venv/bin/jupyterhub-singleuser", True),
        ("python -m ipykernel_launcher -f kernel.json", False),
        ("jupyter console", False),
        ("bash", False),
        ("vim jupyter lab", False),
        ("", False),
    ],
)
def test_what_counts_as_a_jupyter_server(line: str, known: bool) -> None:  # noqa: FBT001
    assert jupyter._is_server(line.split(" ")) is known
