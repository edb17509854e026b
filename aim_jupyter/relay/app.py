"""The gateway as a server of its own: one port on loopback, one key."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import http
import secrets
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tornado.httpserver import HTTPServer
from tornado.web import Application, HTTPError

from aim_jupyter.core import config, files
from aim_jupyter.core.api.directory import Directory
from aim_jupyter.core.errors import AimError, BadUsage, PortTaken
from aim_jupyter.relay import relay
from aim_jupyter.relay.chooser import Chooser, failure

LOOPBACK = "127.0.0.1"
_HIGHEST = 65535
_MOST_BODY = 512 << 20
_BACKLOG = 1024


class Address(NamedTuple):
    """Where the gateway is, and what opens it; the key stands in no repr."""

    base_url: str
    api_key: str

    def __repr__(self) -> str:
        return f"Address(base_url={self.base_url!r}, api_key='…')"


class Route(Chooser):
    """Everything below ``/v1``, for whoever has the key."""

    def initialize(self, directory: Directory, key: str) -> None:
        """Take what all requests share."""
        self.directory = directory
        self._key = key

    def prepare(self) -> None:
        """Refuse whoever has not the key, before anything else is looked at."""
        given = self.request.headers.get("Authorization", "")
        # Anthropic's clients send their key under a name of their own.
        own = self.request.headers.get("x-api-key", "")
        wanted = f"Bearer {self._key}".encode()
        given = given or f"Bearer {own}"
        if not hmac.compare_digest(given.encode("utf-8", "replace"), wanted):
            raise HTTPError(http.HTTPStatus.UNAUTHORIZED, "The gateway wants its key.")

    async def get(self, path: str) -> None:
        """Pass the request on to the server that it means."""
        await self.choose(path, "")

    post = put = patch = delete = head = get

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Answer a failure as OpenAI's clients read it."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        status, text = failure(error, status_code)
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self.finish(text)

    def log_exception(self, *exc_info: Any) -> None:
        """Log a defect with its traceback; what was to be expected was told to who asked."""
        if not isinstance(exc_info[1], AimError):
            super().log_exception(*exc_info)


def key() -> str:
    """Return this user's key of the gateway; made by the first who asks, and kept."""
    at = place()
    with files.locked(at.with_suffix(".lock")):
        with contextlib.suppress(OSError):
            known = files.read_bounded(at).decode("ascii", "replace").strip()
            if known:
                return known
        made = secrets.token_urlsafe(32)
        files.write_atomic(at, made.encode())
    return made


@contextlib.contextmanager
def serving(port: int | None = None) -> Iterator[Address]:
    """Serve inside the block and give the address; the port is a free one where none is said.

    Raises
    ------
    BadUsage
        If no port has that number.
    PortTaken
        If something else listens there.
    """
    if not 0 <= (port or 0) <= _HIGHEST:
        raise BadUsage(f"There is no port {port}.", f"take one up to {_HIGHEST}")
    try:
        bound = socket.create_server((LOOPBACK, port or 0), backlog=_BACKLOG)
    except OSError as error:
        raise PortTaken(
            f"Port {port} is in use: {error.strerror or error}.", "aim-engine gateway"
        ) from error
    bound.setblocking(False)  # noqa: FBT003 - so it is named
    secret, number = key(), bound.getsockname()[1]
    ended, loop = asyncio.Event(), asyncio.new_event_loop()
    thread = threading.Thread(
        target=loop.run_until_complete,
        args=(_served(bound, secret, ended),),
        daemon=True,
        name="aim-gateway",
    )
    thread.start()
    try:
        yield Address(f"http://{LOOPBACK}:{number}/v1", secret)
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join()
        loop.close()


async def _served(bound: socket.socket, secret: str, ended: asyncio.Event) -> None:
    app = Application(
        [(r"/v1(/.*)", Route, {"directory": Directory(), "key": secret})],
        log_function=lambda _: None,
    )
    server = HTTPServer(app, max_buffer_size=_MOST_BODY)
    server.add_socket(bound)
    await ended.wait()
    server.stop()
    await server.close_all_connections()
    await relay.closed()


def place() -> Path:
    """Return the file with the key of the gateway, which this user alone may read."""
    return files.private_folder(config.state_dir()) / "gateway.key"
