"""The real vLLM in a container, launched from outside, by podman and by docker themselves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aim_jupyter.core import api, engines, serving
from aim_jupyter.core.errors import NoEngine
from aim_jupyter.core.records import Image
from aim_jupyter.core.request import Request
from aim_jupyter.core.serving.start import containers
from aim_jupyter.core.serving.state.process import alive, members
from aim_jupyter.core.serving.watch import endpoint
from aim_jupyter.core.sizes import GIB
from tests.conftest import scrubbed
from tests.docker import programs
from tests.docker.images import BASE, ROOT, Store
from tests.docker.programs import NAME
from tests.waiting import launch_ready, say, until

pytestmark = [pytest.mark.engine, pytest.mark.timeout(900)]

DEMO = Request(model="demo", engine=NAME)


@pytest.fixture(scope="module", params=["podman", "docker"])
def program(
    request: pytest.FixtureRequest,
    base: tuple[Store, float],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """Put a program that has the base on the path, with a home for what is launched."""
    name: str = request.param
    if why_not := programs.lacking(name):
        pytest.skip(why_not)
    folder = tmp_path_factory.mktemp(name)
    start = {"podman": programs.podman, "docker": programs.docker}[name]
    # The last in is the first out: what was launched ends before the program does.
    with start(base[0], folder) as environ, scrubbed(folder) as patch:
        for variable, value in environ.items():
            patch.setenv(variable, value)
        yield name


@pytest.fixture
def isolated(program: str) -> None:
    """Take the module's home: an image is asked once for all of its tests."""


def write(line: str) -> None:
    """Add what was measured to build/containers.txt."""
    report = ROOT / "build/containers.txt"
    report.parent.mkdir(exist_ok=True)
    with report.open("a") as file:
        file.write(f"{line}\n")


def ask(program: str, *words: str) -> str:
    return subprocess.run([program, *words], capture_output=True, text=True, check=True).stdout


def test_a_server_in_a_container_answers_until_it_is_stopped(program: str) -> None:
    began = time.monotonic()
    folder = launch_ready(DEMO, limit_s=400)
    write(f"{program}: ready {time.monotonic() - began:.0f} s after the launch, asking included")
    record = folder.read()
    assert (record.plan.image or Image(name="", id="", program="")).program == program
    assert "%aim stop" in say(folder, "How do I free a GPU?")
    assert endpoint.get(record.address, "/v1/models").status == 401
    assert [stage.stage for stage in record.stages] == ["boot", "load", "ready"]
    assert record.facts["kv_tokens"] > 0
    check_inside(program, folder.key())
    inside = containers.processes(record.plan, folder.path)
    # The first process, the API server, the engine core, and what Python keeps beside these.
    assert len(inside) >= 3
    sample = serving.view(folder).sample
    assert sample is not None
    assert (sample.memory_bytes or 0) > GIB / 4
    assert record.supervisor is not None
    os.kill(record.supervisor.pid, signal.SIGKILL)
    until(lambda: alive(folder.read().supervisor), 30)
    assert "%aim stop" in say(folder, "How do I free a GPU?")
    stopped = serving.stop(folder)
    assert (stopped.state, stopped.exit_code) == ("stopped", None)
    assert record.engine is not None
    assert members(record.engine) == []
    assert not running(inside)
    assert listed(program) == []


def check_inside(program: str, key: str) -> None:
    """Check what a container is given: this user, no capability, nothing to write, no key."""
    (name,) = ask(program, "ps", "--format", "{{.Names}}").split()
    told = ask(program, "inspect", name)
    assert key not in told
    (facts,) = json.loads(told)
    assert facts["HostConfig"]["NetworkMode"] == "host"
    look = "grep -E '^(Uid|CapEff|CapBnd|NoNewPrivs)' /proc/self/status; touch /opt/aim/server/x"
    done = subprocess.run(
        [program, "exec", name, "sh", "-c", look], capture_output=True, text=True, check=False
    )
    status = dict(line.split(":", 1) for line in done.stdout.splitlines())
    assert status["Uid"].split()[0] == str(os.getuid())
    assert int(status["CapBnd"], 16) == int(status["CapEff"], 16) == 0
    assert status["NoNewPrivs"].strip() == "1"
    assert "Read-only file system" in done.stderr


def test_it_ends_when_all_are_killed_who_could_end_it(program: str) -> None:
    folder = launch_ready(DEMO, limit_s=400)
    record = folder.read()
    assert record.supervisor is not None
    assert record.engine is not None
    inside = containers.processes(record.plan, folder.path)
    began = time.monotonic()
    # Supervisor, keeper, attendant and client.
    for pid in (record.supervisor.pid, *members(record.engine)):
        os.kill(pid, signal.SIGKILL)
    until(lambda: not running(inside), 30)
    took_ms = 1000 * (time.monotonic() - began)
    write(f"{program}: all inside ended {took_ms:.0f} ms after all outside")
    until(lambda: not serving.current(folder).live, 30)
    until(lambda: listed(program) == [], 60)
    assert not [check for check in api.doctor() if check.name == "container"]


def running(pids: list[int]) -> bool:
    return any(Path(f"/proc/{pid}/exe").exists() for pid in pids)


def listed(program: str) -> list[str]:
    return ask(program, "ps", "--all", "--quiet").split()


def test_what_is_wrong_is_told_in_two_lines(program: str) -> None:
    with pytest.raises(NoEngine) as raised:
        engines.choose("container:own/none:1")
    assert raised.value.lines == [
        "NoEngine: There is no image own/none:1 on this machine.",
        f"Try: {program} pull own/none:1",
    ]
    environment = engines.choose(NAME)
    assert (environment.platform, environment.source) == ("cpu", "image")
    assert engines.find()[-1] == environment
    assert environment.image is not None
    assert environment.image.id in ask(program, "image", "inspect", BASE)
