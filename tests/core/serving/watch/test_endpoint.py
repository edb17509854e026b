"""Talking to an engine's HTTP routes."""

from __future__ import annotations

import json
import socket
import socketserver
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import ClassVar

import pytest

from aim_jupyter.core.records import Address
from aim_jupyter.core.serving.watch import endpoint
from aim_jupyter.core.serving.watch.endpoint import Reply

KEY = "k1"
MODELS = b'{"data": [{"id": "m"}]}'


class Routes(BaseHTTPRequestHandler):
    """What an engine answers, and some nonsense."""

    answers: ClassVar[dict[str, bytes]] = {
        "/health": b"",
        "/v1/models": MODELS,
        "/list": b"[3]",
        "/raw": b"\xff",
    }

    def do_GET(self) -> None:
        if self.path == "/v1/models" and self.headers["Authorization"] != f"Bearer {KEY}":
            self.send_error(401)
            return
        self._say(self.answers.get(self.path))

    def do_POST(self) -> None:
        said = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self._say(json.dumps([self.headers["Content-Type"], said]).encode())

    def _say(self, body: bytes | None) -> None:
        self.send_response(200 if body is not None else 404)
        self.send_header("Content-Length", str(len(body or b"")))
        self.end_headers()
        self.wfile.write(body or b"")

    def address_string(self) -> str:
        return "somebody"

    def log_message(self, *_: object) -> None: ...


class OnSocket(socketserver.UnixStreamServer):
    """The same on a socket file."""


@pytest.fixture(params=["port", "socket"])
def at(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Address]:
    server: socketserver.BaseServer
    if request.param == "port":
        server = HTTPServer(("127.0.0.1", 0), Routes)
        place = Address(port=server.server_address[1])
    else:
        server = OnSocket(str(tmp_path / "s"), Routes)
        place = Address(socket=str(tmp_path / "s"))
    with server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield place
        server.shutdown()
        thread.join()


def test_routes_answer_on_a_port_and_on_a_socket_file(at: Address) -> None:
    assert endpoint.get(at, "/list") == Reply(200, b"[3]")
    assert endpoint.get(at, "/nothing").status == 404
    assert json.loads(endpoint.post(at, "/x", {"a": 1}).body) == ["application/json", {"a": 1}]
    assert endpoint.healthy(at)


def test_a_model_is_named_only_to_who_has_the_key(at: Address) -> None:
    assert endpoint.names_model(at, KEY, "m")
    assert not endpoint.names_model(at, KEY, "other")
    assert not endpoint.names_model(at, "wrong", "m")


def test_nobody_there_is_status_0(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        port = door.getsockname()[1]
    for nowhere in (None, Address(port=port), Address(socket=str(tmp_path / "none"))):
        assert endpoint.get(nowhere, "/health") == Reply(0, b"")
        assert not endpoint.healthy(nowhere)


def test_a_stranger_that_speaks_no_http_is_no_answer(tmp_path: Path) -> None:
    class Mumble(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            self.request.recv(4096)
            self.request.sendall(b"\x00\x01 hello\r\n\r\n")

    with OnSocket(str(tmp_path / "s"), Mumble) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        assert endpoint.get(Address(socket=str(tmp_path / "s")), "/") == Reply(0, b"")
        thread.join()


@pytest.mark.parametrize("listing", [b"[]", b"{}", b'{"data": 3}', b'{"data": ["m"]}', b"\xff"])
def test_a_listing_that_is_none_names_nothing(
    listing: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(Routes.answers, "/v1/models", listing)
    with OnSocket(str(tmp_path / "s"), Routes) as server:
        thread = threading.Thread(target=server.handle_request)
        thread.start()
        assert not endpoint.names_model(Address(socket=str(tmp_path / "s")), KEY, "m")
        thread.join()
