"""A port of our own: nobody else is given it, the engine gets it, and a thief is survived."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace

from aim_jupyter.core import api
from aim_jupyter.core.errors import PortTaken, StartFailed
from aim_jupyter.core.serving.start import ports
from tests.conftest import FakeEngine
from tests.waiting import DEMO, free_port, launch_ready, say, until


def test_no_reserved_port_is_handed_out_twice() -> None:
    held = [ports.reserve() for _ in range(200)]
    try:
        numbers = [port for _, port in held]
        assert len(set(numbers)) == len(numbers)
        with socket.socket() as other:
            other.bind((ports.LOOPBACK, 0))
            assert other.getsockname()[1] not in numbers
    finally:
        for holder, _ in held:
            holder.close()


@pytest.mark.parametrize(
    "options",
    [[socket.SO_REUSEADDR], [socket.SO_REUSEPORT], [socket.SO_REUSEADDR, socket.SO_REUSEPORT]],
)
def test_an_engine_listens_on_a_port_that_is_held_for_it(options: list[int]) -> None:
    holder, port = ports.reserve()
    with holder, socket.socket() as engine:
        for option in options:
            engine.setsockopt(socket.SOL_SOCKET, option, 1)
        engine.bind((ports.LOOPBACK, port))
        engine.listen()
        with socket.create_connection((ports.LOOPBACK, port), timeout=30) as client:
            accepted, _ = engine.accept()
            with accepted:
                accepted.sendall(b"engine")
                assert client.recv(10) == b"engine"


def test_a_port_that_is_only_held_takes_no_connection() -> None:
    holder, port = ports.reserve()
    with holder, pytest.raises(ConnectionRefusedError):
        socket.create_connection((ports.LOOPBACK, port), timeout=30)


@pytest.mark.parametrize("listening", [True, False])
def test_a_taken_port_is_refused(*, listening: bool) -> None:
    with socket.socket() as other:
        other.bind((ports.LOOPBACK, 0))
        if listening:
            other.listen()
        with pytest.raises(PortTaken, match="Address already in use") as caught:
            ports.reserve(other.getsockname()[1])
    assert "leave out --port" in caught.value.hint


def test_a_port_that_is_held_for_another_engine_is_refused() -> None:
    holder, port = ports.reserve()
    with holder, pytest.raises(PortTaken):
        ports.reserve(port)


@pytest.mark.parametrize("port", [-1, 65536, 10**9])
def test_what_is_no_port_is_refused(port: int) -> None:
    with pytest.raises(PortTaken, match=str(port)):
        ports.reserve(port)


def closed_by_the_server() -> int:
    """Return a port on which a server has closed a connection first: it stays in ``TIME_WAIT``."""
    with socket.create_server((ports.LOOPBACK, 0)) as server:
        port: int = server.getsockname()[1]
        with socket.create_connection((ports.LOOPBACK, port)) as client:
            server.accept()[0].close()
            client.recv(1)
    return port


def test_a_port_can_be_had_again_right_after_its_server_has_ended() -> None:
    port = closed_by_the_server()
    with socket.socket() as naive, pytest.raises(OSError, match="in use"):
        naive.bind((ports.LOOPBACK, port))
    holder, _ = ports.reserve(port)
    with holder, socket.socket() as engine:
        engine.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        engine.bind((ports.LOOPBACK, port))
        engine.listen()


def test_a_listener_beside_closed_connections_is_not_overlooked() -> None:
    port = closed_by_the_server()
    with socket.create_server((ports.LOOPBACK, port)), pytest.raises(PortTaken):
        ports.reserve(port)


#: Waits until a server has been given its port and listens there before the engine, which waits
#: for the file that says so.
THIEF = """
import json, socket, sys, time
from pathlib import Path
record, stolen = map(Path, sys.argv[1:])
port = None
while not port:
    time.sleep(0.01)
    try:
        port = json.loads(record.read_bytes()).get("port")
    except (OSError, ValueError):
        pass
taken = socket.socket()
taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
taken.bind(("127.0.0.1", port))
taken.listen()
stolen.touch()
print(port, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def thief(isolated: Path) -> Iterator[subprocess.Popen[str]]:
    record = isolated / "state" / "servers" / "demo" / "server.json"
    with subprocess.Popen(
        [sys.executable, "-c", THIEF, str(record), str(isolated / "stolen")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        yield process
        process.kill()


def test_a_stolen_port_is_replaced_by_another(
    fake: FakeEngine, thief: subprocess.Popen[str], isolated: Path
) -> None:
    fake(gates={"bind": str(isolated / "stolen")})
    folder = launch_ready()
    assert thief.stdout is not None
    stolen = int(thief.stdout.readline())
    assert folder.read().port != stolen
    assert say(folder, "hello") == "You said: hello"
    messages = [event.message for event in folder.events.read()]
    assert f"port {stolen} was taken, trying another" in messages
    assert "Address already in use" not in folder.log.read_text()


def test_a_stolen_port_that_was_asked_for_is_told(
    fake: FakeEngine, thief: subprocess.Popen[str], isolated: Path
) -> None:
    fake(gates={"bind": str(isolated / "stolen")})
    port = free_port()
    folder = api.launch(replace(DEMO, port=port))
    until(lambda: folder.read().state == "failed")
    with pytest.raises(StartFailed, match="could not have its port"):
        list(api.wait(folder.name))
    assert thief.stdout is not None
    assert int(thief.stdout.readline()) == port


def test_a_port_is_free_for_the_next_server_of_the_same_number(fake: FakeEngine) -> None:
    fake()
    port = free_port()
    asked = replace(DEMO, port=port)
    folder = launch_ready(asked)
    with closing(socket.create_connection((ports.LOOPBACK, port))) as idle:
        idle.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        idle.recv(100)
        api.stop(folder.name)
    assert launch_ready(asked).read().port == port
