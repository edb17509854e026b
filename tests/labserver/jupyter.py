"""A real Jupyter Server with everything of its own, and requests to it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from tests.waiting import free_port

TOKEN = "only-for-tests"
#: Not the root: a path that a handler would forget shows.
BASE = "/some%40where/"
LIMIT_S = 90


class Jupyter:
    """A Jupyter Server process.

    Parameters
    ----------
    folder : Path
        Where all of its own goes: settings, runtime files, its log.
    environment : mapping
        Beyond what the tests run with.
    options : str
        More of its own command line.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str], *options: str) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        argv = [sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"]
        given = {
            "ServerApp.ip": "127.0.0.1",
            # Not 0: before 2.18 it said of itself that its port was that.
            "ServerApp.port": f"{free_port()}",
            "ServerApp.base_url": BASE,
            "ServerApp.root_dir": str(folder),
            "IdentityProvider.token": TOKEN,
        }
        argv += [f"--{name}={value}" for name, value in given.items()]
        mine = {k: v for k, v in os.environ.items() if not k.startswith(("JUPYTER", "JPY_"))}
        for kind in ("config", "data", "runtime"):
            mine[f"JUPYTER_{kind.upper()}_DIR"] = str(folder / kind)
        with (folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [*argv, *options],
                env={**mine, **environment},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.url = self._wait_for_url()
        self.client = httpx.Client(
            base_url=self.url, headers={"Authorization": f"token {TOKEN}"}, timeout=LIMIT_S
        )

    @property
    def log(self) -> str:
        """All that it has said."""
        return (self.folder / "log").read_text()

    def get(self, path: str, status: int = 200, **query: Any) -> Any:
        """Return the answer of ``aim/`` and `path`, which must have `status`."""
        return self.ask("GET", path, status, params=query)

    def post(self, path: str, body: Any, status: int = 200) -> Any:
        """Return what a body is answered with."""
        return self.ask("POST", path, status, json=body)

    def ask(self, method: str, path: str, status: int = 200, **options: Any) -> Any:
        """Return the JSON of an answer that must have `status`."""
        answer = self.client.request(method, f"aim/{path}", **options)
        assert answer.status_code == status, answer.text
        return answer.json()

    def until(self, name: str, state: str) -> Any:
        """Wait until the server `name` is in `state`, and return what is said of it."""
        end = time.monotonic() + LIMIT_S
        while (found := self.get(f"servers/{name}"))["state"] != state:
            assert time.monotonic() < end, found
            time.sleep(0.1)
        return found

    def end(self) -> None:
        """End it; what does not go by itself is killed."""
        self.client.close()
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def _wait_for_url(self) -> str:
        end = time.monotonic() + LIMIT_S
        while time.monotonic() < end and self._process.poll() is None:
            for told in (self.folder / "runtime").glob("jpserver-*.json"):
                text = told.read_text()
                if text.endswith("}"):
                    return str(json.loads(text)["url"])
            time.sleep(0.05)
        self._process.kill()
        raise AssertionError("Jupyter Server did not start:\n" + self.log)
