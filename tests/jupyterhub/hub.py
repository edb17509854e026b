"""A real JupyterHub with its proxy, on a node of its own with real users."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx

from tests import users
from tests.waiting import free_port

ROOT = Path(__file__).parents[2]
TOKEN = "only-for-the-tests-service"
LIMIT_S = 120


def proxy() -> list[str] | None:
    """Return the command of npm's configurable-http-proxy, as `make proxy` installs it."""
    script = ROOT / ".venv/proxy/node_modules/configurable-http-proxy/bin/configurable-http-proxy"
    node = shutil.which("node")
    return [node, str(script)] if node and script.exists() else None


class Hub:
    """A JupyterHub process.

    Parameters
    ----------
    node : Path
        A folder that all users can enter.
    environment : dict
        What single-user servers get beside what the documented configuration gives them.
    shared, own : list of int
        The GPUs that all share, and those that are handed out.
    ends : str
        The user whose engines end with the single-user server.
    """

    def __init__(
        self,
        node: Path,
        names: list[str],
        environment: dict[str, str],
        *,
        shared: list[int],
        own: list[int],
        ends: str,
    ) -> None:
        (node / "hub").mkdir(mode=0o700)
        ports = [free_port() for _ in range(3)]
        given = {
            "node": str(node),
            "documented": str(ROOT / "docs" / "jupyterhub_config.py"),
            "port": ports[0],
            "hub_port": ports[1],
            "proxy_port": ports[2],
            "proxy": proxy(),
            "python": users.interpreter(),
            "environment": environment,
            "token": TOKEN,
            "ends": ends,
            "shared": shared,
            "own": own,
        }
        mine = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "AIM_"))}
        config = ROOT / "tests" / "jupyterhub" / "config.py"
        self.log = node / "hub" / "log"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "--config", str(config)],
                env={**mine, "TEST_HUB": json.dumps(given), "HUB_USERS": " ".join(names)},
                cwd=node / "hub",
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.url = f"http://127.0.0.1:{ports[0]}"
        self._api = httpx.Client(
            base_url=f"{self.url}/hub/api/",
            headers={"Authorization": f"token {TOKEN}"},
            timeout=LIMIT_S,
            trust_env=False,
        )
        try:
            self._until(self._is_up)
        except AssertionError:
            self.end()
            raise

    def add(self, name: str) -> Seat:
        """Add a user and return what they do through the hub."""
        # The documented configuration names the users, which makes them known.
        made = self._api.post(f"users/{name}/tokens", json={"note": "test"})
        return Seat(self, name, made.raise_for_status().json()["token"])

    def start(self, name: str, server: str = "", **options: Any) -> None:
        """Start a single-user server and wait until it is there."""
        path = f"users/{name}/servers/{server}" if server else f"users/{name}/server"
        answer = self._api.post(path, json=options)
        assert answer.status_code in (201, 202), answer.text
        self._until(lambda: self._server(name, server).get("ready", False))

    def stop(self, name: str, server: str = "") -> None:
        """Stop it and wait until it is gone."""
        path = f"users/{name}/servers/{server}" if server else f"users/{name}/server"
        assert self._api.delete(path).status_code in (202, 204)
        self._until(lambda: not self._server(name, server).get("ready", False))

    def refuses(self, name: str, server: str, **options: Any) -> int:
        """Return the status that a start is refused with."""
        return self._api.post(f"users/{name}/servers/{server}", json=options).status_code

    def end(self) -> None:
        """End it; what does not go by itself is killed."""
        self._api.close()
        self._process.send_signal(signal.SIGINT)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _server(self, name: str, server: str) -> dict[str, Any]:
        found: dict[str, Any] = self._api.get(f"users/{name}").json()["servers"].get(server, {})
        return found

    def _is_up(self) -> bool:
        assert self._process.poll() is None, self.log.read_text()
        try:
            return self._api.get("").status_code == 200
        except httpx.TransportError:
            return False

    def _until(self, so: Any) -> None:
        end = time.monotonic() + LIMIT_S
        while not so():
            assert time.monotonic() < end, self.log.read_text()[-8000:]
            time.sleep(0.3)


class Seat:
    """A user with a token of the hub, somewhere outside of the node."""

    def __init__(self, hub: Hub, name: str, token: str) -> None:
        self.name = name
        self.token = token
        self.hub = hub
        self.client = httpx.Client(
            base_url=hub.url,
            headers={"Authorization": f"token {token}"},
            timeout=LIMIT_S,
            trust_env=False,
        )

    def path(self, path: str, server: str = "") -> str:
        """Return where a route of this user's single-user server is."""
        return f"/user/{self.name}/{server + '/' if server else ''}aim/{path}"

    def ask(self, method: str, path: str, status: int = 200, server: str = "", **given: Any) -> Any:
        """Return the JSON of an answer that must have `status`."""
        answer = self.client.request(method, self.path(path, server), **given)
        assert answer.status_code == status, answer.text
        return answer.json()

    def status(self, server: str = "") -> Any:
        """Return what the sidebar would show."""
        return self.ask("GET", "status", server=server)

    def running(self, name: str, server: str = "") -> Any:
        """Wait until a server runs, and return what is said of it."""
        end = time.monotonic() + LIMIT_S
        while (found := self.ask("GET", f"servers/{name}", server=server))["state"] != "running":
            assert found["state"] == "starting", found
            assert time.monotonic() < end, found
            time.sleep(0.2)
        return found
