# ruff: noqa: E501 - a table reads best a row a line
"""What the real SGLang says when a start fails, and what a user is told of it.

Each start goes past what is checked before a start: this is about the engine's own last words.
"""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from msgspec.structs import replace

from aim_jupyter import demo
from aim_jupyter.core import api, serving
from aim_jupyter.core.records import Crash, Plan, ServerRecord
from aim_jupyter.core.request import Request
from aim_jupyter.core.serving import ServerFolder
from aim_jupyter.core.serving.state.process import members
from tests.core.serving.crash.test_failures_engine import Row, cut, removed, written
from tests.sglang.test_conformance import DEMO, START_S
from tests.waiting import launch_ready, until

pytestmark = [pytest.mark.engine, pytest.mark.timeout(1200)]

#: Killed by itself: SGLang's first process ends so when one of its children has failed.
BY_ITSELF = -signal.SIGKILL

TABLE = (
    Row("no such path", "no model at /nowhere/at/all", "Repo id must be", "%aim cache", path="/nowhere/at/all"),
    Row("config.json is no JSON", "config.json can't be read", "not a valid JSON file", "%aim cache", written("config.json", "{")),
    Row("safetensors cut short", "weight file can't be read", "SafetensorError", "%aim cache", cut("model.safetensors", 0.5), code=BY_ITSELF),
    Row("no weights", "no weights in the model's folder", "Cannot find any model weights", "%aim cache", removed("model.safetensors"), code=BY_ITSELF),
    Row("context beyond the model", "can't take 99999 tokens", "User-specified context_length", "--context-length 2048", words=("--context-length", "99999")),
    Row("unknown option", "does not know --no-such-flag", "unrecognized arguments", "%aim engines", words=("--no-such-flag",), code=2),
    Row("bad choice", "does not accept the value of --dtype", "invalid choice: 'int3'", "%aim plan", words=("--dtype", "int3"), code=2),
    Row("another door", "where its key does not guard it", "--grpc-mode", "%aim plan", words=("--grpc-mode",)),
)  # fmt: skip


def broken_plan(row: Row, folder: Path) -> Plan:
    """Return the plan of the demo with what `row` does to it; nothing of it is checked."""
    for file in demo.FOLDER.iterdir():
        if file.suffix in (".json", ".jinja", ".safetensors"):
            (folder / file.name).write_bytes(file.read_bytes())
    row.change(folder)
    plan = api.plan(DEMO)
    path = row.path or str(folder)
    argv = [path if word == plan.model_path else word for word in plan.argv]
    # Its parser takes the last of two.
    return replace(
        plan,
        argv=(*argv, *row.words),
        model_path=path,
        asked=(*plan.asked, *row.words),
    )


def ended(folder: ServerFolder) -> ServerRecord:
    """Return the record of a server once it has ended."""
    until(lambda: not serving.current(folder).live, START_S)
    return folder.read()


def judged(record: ServerRecord) -> Crash:
    """Return the crash of a server that must have failed."""
    assert record.state == "failed"
    assert record.crash is not None
    assert record.crash.cleaned_up == "no engine process left"
    assert record.engine is None or members(record.engine) == []
    return record.crash


@pytest.mark.parametrize("row", TABLE, ids=[row.name for row in TABLE])
def test_a_start_that_fails_says_why(row: Row, tmp_path: Path) -> None:
    folder = serving.launch(broken_plan(row, tmp_path))
    record = ended(folder)
    crash = judged(record)
    assert row.said in f"{crash.what} {crash.cause}"
    assert row.line in crash.line
    assert row.tried in crash.try_line
    assert crash.known
    assert record.exit_code == row.code


def test_a_scheduler_that_is_killed_while_it_serves_is_told() -> None:
    folder = launch_ready(Request(model="demo", engine="sglang"), new=True, limit_s=START_S)
    engine = folder.read().engine
    assert engine is not None
    names = {pid: Path(f"/proc/{pid}/cmdline").read_text() for pid in members(engine)}
    os.kill(next(pid for pid in names if "sglang::scheduler" in names[pid]), signal.SIGKILL)
    crash = judged(ended(folder))
    assert "A process of the engine was killed (scheduler" in crash.what
