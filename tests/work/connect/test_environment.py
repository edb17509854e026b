"""The variables of a server: in this kernel, in a shell, for a program beside it."""

from __future__ import annotations

import json
import shlex
import signal
import subprocess
import sys

import pytest

from aim_jupyter.core import serving
from aim_jupyter.work import connect
from tests.conftest import FakeEngine
from tests.waiting import launch_ready

PROGRAM = shlex.join([sys.executable, "-m", "aim_jupyter"])
ASK = "import openai; print(openai.OpenAI().models.list().data[0].id)"


def shell(script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["bash", "-c", script], capture_output=True, text=True, timeout=120, check=False
    )


def test_a_shell_evaluates_them(fake: FakeEngine) -> None:
    fake()
    launch_ready()
    asking = shlex.join([sys.executable, "-c", ASK])
    done = shell(f'eval "$({PROGRAM} client demo --export)" && {asking}')
    assert (done.returncode, done.stdout.strip()) == (0, "demo"), done.stderr


def test_a_program_runs_beside_the_server_that_it_launches(fake: FakeEngine) -> None:
    fake()
    asking = shlex.join([sys.executable, "-c", ASK])
    done = shell(f"{PROGRAM} run --launch demo -- {asking}")
    assert (done.returncode, done.stdout.strip()) == (0, "demo"), done.stderr


def test_its_exit_code_and_its_signals_are_the_programs(fake: FakeEngine) -> None:
    fake()
    launch_ready()
    assert shell(f"{PROGRAM} run demo -- bash -c 'exit 7'").returncode == 7
    assert json.loads(shell(f"{PROGRAM} run demo -- echo '{{}}' --json").stdout[:2]) == {}
    with subprocess.Popen(
        [*shlex.split(PROGRAM), "run", "demo", "--", "bash", "-c", "echo on; read x"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "on\n"
        child.send_signal(signal.SIGTERM)
        assert child.wait(60) == -signal.SIGTERM


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("run demo", "Try: aim-engine run demo -- env"),
        ("run demo -- no-such-program", "Try: aim-engine run demo -- env"),
        ("client demo --env", 'Try: eval "$(aim-engine client demo --export)"'),
    ],
)
def test_what_can_not_be_is_answered_with_what_can(fake: FakeEngine, words: str, said: str) -> None:
    fake()
    launch_ready()
    done = shell(f"{PROGRAM} {words}")
    assert done.returncode != 0
    assert done.stderr.splitlines()[-1] == said


def test_they_hold_the_key(fake: FakeEngine) -> None:
    fake()
    folder = launch_ready()
    assert connect.environment(folder)["OPENAI_API_KEY"] == serving.find("demo").key()
