"""Bytes come through the relay whole, in order, side by side, and it leaves when it is done."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from aim_jupyter.core.places import relay
from aim_jupyter.core.serving.state.process import alive, identify
from tests.waiting import LIMIT_S, until

ROOT = Path(__file__).parents[3]


@pytest.fixture
def echo(tmp_path: Path) -> Iterator[str]:
    """Yield a socket file whose other end sends back what it gets, until it gets no more."""
    file = tmp_path / "echo.sock"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(file))
        listener.listen()

        def serve() -> None:
            while True:
                try:
                    line, _ = listener.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=(line,), daemon=True).start()

        def answer(line: socket.socket) -> None:
            with line, contextlib.suppress(ConnectionError):
                while data := line.recv(1 << 16):
                    line.sendall(data)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"unix:{file}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def opened(target: str, *, idle_s: float = 60.0, noise: str = "") -> tuple[int, int]:
    """Open a relay through a child of its own; return its pid and its port."""
    far = [sys.executable, "-m", relay.__name__, "far", target]
    way = ["sh", "-c", f'printf "{noise}"; exec "$@"', "sh", *far]
    done = subprocess.run(
        [sys.executable, "-m", relay.__name__, "near", "0", str(idle_s), *way],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
        timeout=LIMIT_S,
        check=True,
    )
    pid, port = map(int, done.stdout.split())
    return pid, port


def gone(pid: int) -> None:
    known = identify(pid)
    if known is not None:
        os.kill(pid, signal.SIGTERM)
        until(lambda: not alive(known))


def said(port: int, data: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=LIMIT_S) as line:
        threading.Thread(target=_say, args=(line, data)).start()
        got = b""
        with contextlib.suppress(ConnectionError):
            while more := line.recv(1 << 16):
                got += more
    return got


def _say(line: socket.socket, data: bytes) -> None:
    with contextlib.suppress(OSError):
        # Where nobody is there, the connection may be closed already.
        line.sendall(data)
        line.shutdown(socket.SHUT_WR)


def test_many_streams_come_back_whole(echo: str) -> None:
    pid, port = opened(echo, noise="Welcome to the node.\\\\n")
    try:
        wanted = [os.urandom(3 << 20), b"short", b""]
        got: dict[int, bytes] = {}
        threads = [
            threading.Thread(target=lambda i=i, one=one: got.__setitem__(i, said(port, one)))
            for i, one in enumerate(wanted)
        ]
        with socket.create_connection(("127.0.0.1", port)) as deaf:
            # One that sends and never reads holds up no other.
            with contextlib.suppress(TimeoutError):
                deaf.settimeout(1.0)
                deaf.sendall(bytes(64 << 20))
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(LIMIT_S)
        assert got == dict(enumerate(wanted))
    finally:
        gone(pid)


def test_nobody_there_is_a_closed_connection_and_the_relay_goes_on(tmp_path: Path) -> None:
    pid, port = opened(f"unix:{tmp_path / 'none'}")
    try:
        assert said(port, b"") == b""
        assert said(port, b"") == b""
    finally:
        gone(pid)


def test_it_leaves_when_nobody_uses_it(echo: str) -> None:
    pid, port = opened(echo, idle_s=1.0)
    assert port
    until(lambda: identify(pid) is None)


def test_a_way_that_leads_nowhere_is_told() -> None:
    done = subprocess.run(
        [sys.executable, "-m", relay.__name__, "near", "0", "1", "sh", "-c", "exit 3"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        check=False,
    )
    assert done.stdout == ""
    assert "the way to the server's node is closed" in done.stderr


def test_a_frame_that_is_too_long_ends_it() -> None:
    async def run() -> None:
        reader = asyncio.StreamReader()
        reader.feed_data(relay._HEAD.pack(1, relay.DATA, relay.PIECE + 1))
        await asyncio.wait_for(relay.Mux(reader, None).run(), LIMIT_S)  # type: ignore[arg-type]

    asyncio.run(run())


def test_what_comes_with_the_opening_of_a_stream_is_not_lost() -> None:
    """Both frames lie in one piece of input: the second was dropped once, and its client waited."""

    async def exchange() -> None:
        came = asyncio.Event()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            assert await reader.read() == b"request"
            came.set()
            writer.close()

        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        source = asyncio.StreamReader()
        for kind, data in ((relay.OPEN, b""), (relay.DATA, b"request"), (relay.END, b"")):
            source.feed_data(struct.pack(">IBI", 1, kind, len(data)) + data)
        async with server:
            back, sink = await asyncio.open_connection("127.0.0.1", port)
            mux = relay.Mux(source, sink, lambda: asyncio.open_connection("127.0.0.1", port))
            running = asyncio.ensure_future(mux.run())
            await came.wait()
            source.feed_eof()
            await running
            sink.close()
            del back

    asyncio.run(asyncio.wait_for(exchange(), LIMIT_S))
