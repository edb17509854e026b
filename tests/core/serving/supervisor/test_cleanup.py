"""The end of an engine, and what is told of it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from aim_jupyter.core.serving.start.engine import Engine
from aim_jupyter.core.serving.state.process import identify, members
from aim_jupyter.core.serving.supervisor.cleanup import Ending
from tests.core.serving.state.test_starts import PLAN

DEAF = """
import signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print("up", flush=True)
time.sleep(600)
"""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    with subprocess.Popen(
        [sys.executable, "-c", DEAF], stdout=subprocess.PIPE, start_new_session=True
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        known = identify(child.pid)
        assert known is not None
        yield Engine(tmp_path, known, child)
        child.kill()


def test_an_engine_that_does_not_listen_is_gone_afterwards_with_its_children(
    engine: Engine,
) -> None:
    ending, told = Ending(), list[str]()
    ending.clean_up(engine, PLAN, drain_s=0, term_s=0.1, then=lambda: told.append("done"))
    assert members(engine.id) == []
    assert (ending.left, ending.held, ending.bad) == ([], [], False)
    assert ending.words == "no engine process left"
    assert told == ["done"]


def test_how_long_it_may_take_to_leave_is_said_by_its_adapter(engine: Engine) -> None:
    Ending().clean_up(engine, replace(PLAN, engine="nobody-knows"), drain_s=0)
    assert members(engine.id) == []


def test_what_is_left_is_named_and_comes_before_what_is_held() -> None:
    assert not Ending().bad
    ending = Ending()
    ending.held = ["GPU 1: bob (pid 7) holds 12.0 GiB"]
    assert ending.bad
    assert ending.words.endswith("memory is still held: GPU 1: bob (pid 7) holds 12.0 GiB")
    ending.left = ["process 7", "process 8"]
    assert ending.words == "process 7, process 8 of the engine could not be ended"
