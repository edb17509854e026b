"""What is first in a container: it starts the engine, and ends with it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from aim_jupyter.core.serving.start.engine import GUARD
from tests.waiting import until

FIRST = GUARD / "aim_first.py"


def start_first(code: str) -> subprocess.Popen[str]:
    """Start what is first in a container, with Python in the place of the engine."""
    argv = [sys.executable, "-IS", str(FIRST), sys.executable, "-c", code]
    return subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


def tell(first: subprocess.Popen[str], *lines: str) -> None:
    assert first.stdin is not None
    first.stdin.write("".join(f"{line}\n" for line in lines))
    first.stdin.flush()


@pytest.mark.parametrize(
    ("code", "ends"),
    [
        ("import os; print(os.environ['KEY'])", 0),
        ("raise SystemExit(7)", 7),
        ("import os; os.kill(os.getpid(), 9)", 137),
        ("import os; os.kill(os.getpid(), 15)", 143),
    ],
)
def test_the_first_process_ends_as_the_engine_does(code: str, ends: int) -> None:
    with start_first(code) as first:
        tell(first, json.dumps({"KEY": "word"}))
        assert first.wait(60) == ends
        if ends == 0:
            assert first.stdout is not None
            assert first.stdout.read() == "word\n"


UP = """
import signal
signal.pthread_sigmask(signal.SIG_BLOCK, [15, 10])
print("up", flush=True)
print(int(signal.sigwait([15])), flush=True)
"""


@pytest.mark.parametrize("by_line", [True, False])
def test_a_signal_comes_through_its_standard_input_and_by_itself(*, by_line: bool) -> None:
    with start_first(UP) as first:
        tell(first, "{}")
        assert first.stdout is not None
        assert first.stdout.readline() == "up\n"
        if by_line:
            tell(first, "15")
        else:
            first.send_signal(signal.SIGTERM)
        assert first.stdout.readline() == "15\n"
        assert first.wait(60) == 0


def test_a_start_that_is_not_wanted_any_more_ends() -> None:
    with start_first("import time; time.sleep(600)") as first:
        tell(first, "{}", "15")
        assert first.wait(60) == 143


def children(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


@pytest.mark.parametrize("told", [["{}"], []])
def test_it_ends_with_its_standard_input(told: list[str]) -> None:
    with start_first("import time; time.sleep(600)") as first:
        tell(first, *told)
        if told:
            until(lambda: bool(children(first.pid)))
        started = children(first.pid)
        assert first.stdin is not None
        first.stdin.close()
        assert first.wait(60) == 137
        for pid in started:  # in a container the kernel ends these with it
            os.kill(int(pid), signal.SIGKILL)
