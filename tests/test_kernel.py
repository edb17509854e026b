"""A real ipykernel: what outlives it, and how the next one finds what runs."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.manager import KernelManager, start_new_kernel

from aim_jupyter.core import serving
from aim_jupyter.core.serving.state.process import alive, members
from tests.conftest import FakeEngine
from tests.waiting import LIMIT_S


class Kernel:
    """A kernel with the extension loaded."""

    def __init__(self) -> None:
        self.manager: KernelManager
        self.manager, self.client = start_new_kernel(extra_arguments=["--log-level=40"])
        self.run("%load_ext aim_jupyter")

    @property
    def pid(self) -> int:
        return int(self.manager.provisioner.pid)  # type: ignore[union-attr]

    def run(self, code: str, limit_s: float = 120) -> dict[str, str]:
        """Run a cell that must succeed; return what its last result was, by mime type."""
        shown: list[dict[str, str]] = []

        def keep(message: dict[str, Any]) -> None:
            if message["msg_type"] in ("execute_result", "display_data"):
                shown.append(message["content"]["data"])

        reply = self.client.execute_interactive(code, timeout=limit_s, output_hook=keep)
        assert reply["content"]["status"] == "ok", reply["content"]
        return shown[-1] if shown else {}

    def shown(self, asked: str) -> Iterator[str]:
        """Yield the first lines of the one card that a cell shows, each time that it changes."""
        identity = None
        while True:
            message = self.client.get_iopub_msg(timeout=LIMIT_S)
            content, kind = message["content"], message["msg_type"]
            if kind == "display_data" and message["parent_header"]["msg_id"] == asked:
                identity = content["transient"]["display_id"]
            if kind in ("display_data", "update_display_data"):
                assert content["transient"]["display_id"] == identity
                yield content["data"]["text/plain"].splitlines()[0]

    def end(self) -> None:
        self.client.stop_channels()
        self.manager.shutdown_kernel(now=True)


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    made = Kernel()
    yield made
    made.end()


def test_the_server_outlives_a_killed_kernel_and_the_next_one_attaches(
    kernel: Kernel, fake: FakeEngine
) -> None:
    fake()
    # The kernel was started before the fake was installed: hand it over.
    kernel.run(f"import os; os.environ.update({_settings()!r})")
    kernel.run("server = %aim launch demo")
    kernel.run("%aim wait")
    folder = serving.find("demo")
    record = folder.read()

    os.kill(kernel.pid, signal.SIGKILL)
    time.sleep(1)
    assert alive(record.supervisor)
    assert alive(record.engine)
    assert serving.current(folder).state == "running"

    second = Kernel()
    try:
        second.run(f"import os; os.environ.update({_settings()!r})")
        second.run("server = %aim attach")
        answer = second.run(
            "server.client.chat.completions.create(model='default',"
            " messages=[{'role': 'user', 'content': 'still here'}]).choices[0].message.content"
        )
        assert answer["text/plain"] == "'You said: still here'"
        second.run("%aim stop")
    finally:
        second.end()
    assert record.engine is not None
    assert members(record.engine) == []


def test_the_server_outlives_a_restart(kernel: Kernel, fake: FakeEngine) -> None:
    fake()
    kernel.run(f"import os; os.environ.update({_settings()!r})")
    kernel.run("%aim launch demo")
    kernel.run("%aim wait")
    kernel.manager.restart_kernel()
    kernel.client.wait_for_ready(timeout=120)
    kernel.run("%load_ext aim_jupyter")
    kernel.run(f"import os; os.environ.update({_settings()!r})")
    shown = kernel.run("servers = %aim ps\nservers.loc['demo', 'state']")
    assert shown["text/plain"] == "'running'"


def test_interrupting_a_wait_stops_only_the_waiting(
    kernel: Kernel, fake: FakeEngine, tmp_path: Path
) -> None:
    booted = tmp_path / "booted"
    fake(gates={"boot": str(booted)})
    kernel.run(f"import os; os.environ.update({_settings()!r})")
    kernel.run("server = %aim launch demo")
    asked = kernel.client.execute("%aim wait")
    assert "starting" in next(kernel.shown(asked))
    kernel.manager.interrupt_kernel()
    reply = kernel.client.get_shell_msg(timeout=LIMIT_S)
    assert reply["parent_header"]["msg_id"] == asked
    assert reply["content"]["ename"] == "KeyboardInterrupt"
    booted.touch()
    shown = kernel.run("%aim wait\nserver.state")
    assert shown["text/plain"] == "'running'"


def test_the_launch_card_is_replaced_in_place_until_it_is_ready(
    kernel: Kernel, fake: FakeEngine, tmp_path: Path
) -> None:
    booted = tmp_path / "booted"
    fake(gates={"boot": str(booted)})
    kernel.run(f"import os; os.environ.update({_settings()!r})")
    # The engine is asked here, so that the launch shows its card and nothing else.
    kernel.run("%aim engines;")
    asked = kernel.client.execute("server = %aim launch demo")
    shown = kernel.shown(asked)
    assert "starting" in next(shown)
    booted.touch()
    assert any("running" in state for state in shown)


def _settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith("AIM_")}
