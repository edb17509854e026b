"""Starts of the real engine in each mode: the same server, and a host that nothing depends on."""

from __future__ import annotations

import json
import os
import signal
import sys
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from aim_jupyter.core import api, serving
from aim_jupyter.core.records import ServerRecord
from aim_jupyter.core.request import Request
from aim_jupyter.core.request.record import Start
from aim_jupyter.core.serving.start import sockets, warm
from aim_jupyter.core.serving.state.process import alive, identify, members
from aim_jupyter.core.serving.watch import endpoint
from aim_jupyter.verbs.server import Server
from tests.waiting import launch_ready, until

QUESTIONS = ("What is a recipe?", "How do I stop a server?", "Tell me about the weather")


@pytest.fixture(autouse=True)
def isolated(warm_home: Path) -> Path:
    """Take the place of the fixture that gives each test a home of its own."""
    return warm_home


def launch(mode: Start, name: str) -> ServerRecord:
    """Launch the demo in a mode and wait until it is ready."""
    folder = api.launch(Request(model="demo", start=mode, name=name, new=True))
    for _ in api.wait(folder.name, limit_s=300):
        pass
    return folder.read()


def ask(record: ServerRecord, path: str, body: dict[str, Any] | None = None) -> Any:
    """Return the answer of a route as JSON."""
    url = f"http://127.0.0.1:{record.port}{path}"
    headers = {"Authorization": f"Bearer {serving.find(record.name).key()}"}
    data = None
    if body is not None:
        data, headers["Content-Type"] = json.dumps(body).encode(), "application/json"
    with urllib.request.urlopen(urllib.request.Request(url, data, headers), timeout=60) as reply:
        return json.loads(reply.read())


def greedy(record: ServerRecord, question: str) -> str:
    """Return the most likely answer: the same tokens each time."""
    messages = [{"role": "user", "content": question}]
    body = {"model": "default", "messages": messages, "temperature": 0, "max_tokens": 40}
    answer = ask(record, "/v1/chat/completions", body)
    return str(answer["choices"][0]["message"]["content"])


def routes(record: ServerRecord) -> list[str]:
    """Return the routes that the server documents."""
    return sorted(ask(record, "/openapi.json")["paths"])


def metric_names(record: ServerRecord) -> set[str]:
    """Return the names of what the server measures."""
    reply = endpoint.get(record.address, "/metrics", serving.find(record.name).key())
    return {
        line.split()[2] for line in reply.body.decode().splitlines() if line.startswith("# TYPE")
    }


def ended(name: str) -> None:
    """Stop a server and see that nothing of it is left."""
    folder = serving.find(name)
    engine = folder.read().engine
    meeting = sockets.meeting(folder.path)
    assert any(file.is_socket() for file in meeting.iterdir())
    assert api.stop(name).record.state == "stopped"
    assert engine is not None
    assert members(engine) == []
    assert not meeting.exists()


@pytest.mark.engine
@pytest.mark.timeout(600)
def test_each_mode_brings_up_the_same_server() -> None:
    seen = {}
    for mode in ("plain", "lean", "fork", "warm"):
        record = launch(mode, f"by-{mode}")
        assert record.started_by == ("warming" if mode == "warm" else mode)
        answers = [greedy(record, question) for question in QUESTIONS]
        seen[mode] = (routes(record), metric_names(record), answers)
        ended(record.name)

    for mode in ("lean", "fork", "warm"):
        assert seen[mode] == seen["plain"]
    assert "/v1/chat/completions" in seen["warm"][0]


@pytest.mark.engine
@pytest.mark.timeout(600)
def test_a_second_start_is_a_fork_and_the_third_is_predicted() -> None:
    launch("warm", "first")
    ended("first")
    second = launch("warm", "second")
    ended("second")
    third = serving.find(launch("warm", "third").name).read()
    ended("third")

    assert (second.started_by, third.started_by) == ("warm", "warm")
    assert set(third.expected_s) == set(second.expected_s) | {s.stage for s in second.stages}
    until(lambda: [host.servers for host in api.warm_hosts()] == [0])
    (host,) = api.warm_hosts()
    assert host.reason == ""


@pytest.mark.engine
@pytest.mark.timeout(600)
def test_a_fork_serves_on_a_socket_file_as_well() -> None:
    request = Request(model="demo", start="warm", name="by-file", listen="unix")
    record = launch_ready(request, new=True, limit_s=300).read()
    assert record.port is None
    assert endpoint.get(record.address, "/metrics").status == 401
    with Server(serving.find("by-file")).client as client:
        reply = client.chat.completions.create(
            model="default", messages=[{"role": "user", "content": QUESTIONS[0]}]
        )
    assert reply.choices[0].message.content
    ended("by-file")


@pytest.mark.engine
@pytest.mark.timeout(600)
def test_servers_outlive_their_host_and_the_next_launch_gets_a_new_one() -> None:
    first = launch("warm", "orphan")
    (host,) = api.warm_hosts()
    known = identify(host.pid)
    os.kill(host.pid, signal.SIGKILL)
    until(lambda: not alive(known))

    assert greedy(first, QUESTIONS[0])
    second = launch("warm", "next")

    assert second.started_by == "warming"
    assert [other.pid for other in api.warm_hosts()] != [host.pid]
    assert greedy(first, QUESTIONS[0]) == greedy(second, QUESTIONS[0])
    ended("orphan")
    ended("next")


@pytest.mark.engine
@pytest.mark.timeout(600)
def test_nothing_of_one_server_reaches_the_next(warm_home: Path) -> None:
    record = launch("warm", "secretive")
    (host,) = api.warm_hosts()
    key = serving.find("secretive").key()
    engine = record.engine
    assert engine is not None
    folder = next((warm_home / "state" / "hosts").iterdir())

    held = Path(f"/proc/{host.pid}/environ").read_bytes()
    opened = [str(link.readlink()) for link in Path(f"/proc/{host.pid}/fd").iterdir()]

    assert key.encode() not in held
    assert not [path for path in opened if "servers/" in path]
    assert (folder / "host.sock").stat().st_mode & 0o777 == 0o600
    assert folder.stat().st_mode & 0o777 == 0o700
    assert os.getsid(host.pid) != os.getsid(engine.pid) == engine.pid
    ended("secretive")
    assert alive(warm._process(folder))


@pytest.mark.engine
@pytest.mark.timeout(1200)
def test_a_hundred_servers_leave_their_host_as_it_was() -> None:
    launch("warm", "settle")
    ended("settle")

    def size() -> tuple[int, int, int, str]:
        until(lambda: [host.servers for host in api.warm_hosts()] == [0])
        (host,) = api.warm_hosts()
        descriptors = len(list(Path(f"/proc/{host.pid}/fd").iterdir()))
        threads = len(list(Path(f"/proc/{host.pid}/task").iterdir()))
        children = Path(f"/proc/{host.pid}/task/{host.pid}/children").read_text()
        return host.memory_bytes or 0, descriptors, threads, children

    for number in range(10):
        launch("warm", f"one-of-ten-{number}")
        ended(f"one-of-ten-{number}")
    before = size()
    for number in range(90):
        launch("warm", f"of-a-hundred-{number}")
        ended(f"of-a-hundred-{number}")
    after = size()

    told = "bytes PSS, descriptors, threads, children"
    sys.stdout.write(f"\nhost before and after 90 servers: {before}, {after} ({told})\n")
    assert after[1:] == before[1:]
    assert after[0] < before[0] + (8 << 20)
