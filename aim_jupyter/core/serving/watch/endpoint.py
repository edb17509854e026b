"""Talking to an engine's HTTP routes with the standard library only.

The supervisor stays small by not importing an HTTP client; one request at a time is all it needs.
"""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any, NamedTuple

from aim_jupyter.core import adapters
from aim_jupyter.core.adapters import Health
from aim_jupyter.core.records import Address, Plan, ServerRecord
from aim_jupyter.core.serving.state.folder import ServerFolder


class Reply(NamedTuple):
    """Status 0 means that nobody answered."""

    status: int
    body: bytes


def get(at: Address | None, path: str, key: str = "", timeout_s: float = 2.0) -> Reply:
    """Fetch `path` from the engine at an address; no answer is a `Reply` with status 0."""
    return _asked(at, path, None, key, timeout_s)


def post(
    at: Address | None, path: str, body: Any, key: str = "", *, timeout_s: float = 2.0
) -> Reply:
    """Send a body as JSON; no answer is a `Reply` with status 0."""
    return _asked(at, path, json.dumps(body).encode(), key, timeout_s)


def _asked(at: Address | None, path: str, body: bytes | None, key: str, timeout_s: float) -> Reply:
    if at is None:
        return Reply(0, b"")
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    if body is not None:
        headers["Content-Type"] = "application/json"
    connection = _Connection(at, timeout_s)
    try:
        connection.request("GET" if body is None else "POST", path, body, headers=headers)
        answer = connection.getresponse()
        return Reply(answer.status, answer.read())
    except (OSError, http.client.HTTPException):
        return Reply(0, b"")
    finally:
        connection.close()


class _Connection(http.client.HTTPConnection):
    """A connection to a host and port, or to a socket file."""

    def __init__(self, at: Address, timeout_s: float) -> None:
        super().__init__(at.host, at.port, timeout=timeout_s)
        self._file = at.socket

    def connect(self) -> None:
        if not self._file:
            super().connect()
            return
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._file)


def healthy(at: Address | None, health: Health = Health()) -> bool:  # noqa: B008 - frozen
    """Whether an engine's health route answers 200."""
    return get(at, health.path, timeout_s=health.timeout_s).status == http.client.OK


def serves(at: Address | None, key: str, plan: Plan) -> bool:
    """Whether the server of a plan answers there, healthy and with its model."""
    return healthy(at, adapters.of(plan.engine).health) and names_model(at, key, plan.model)


def names_model(at: Address | None, key: str, model: str) -> bool:
    """Whether ``/v1/models`` takes our key and names our model: a stranger's server does not."""
    reply = get(at, "/v1/models", key)
    if reply.status != http.client.OK:
        return False
    try:
        listing: Any = json.loads(reply.body)
        return any(entry.get("id") == model for entry in listing["data"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return False


def exposition(folder: ServerFolder, record: ServerRecord) -> str:
    """Return the text of all that the engine of a server exports, empty without an answer."""
    reply = get(record.address, "/metrics", folder.key(), timeout_s=10.0)
    return reply.body.decode("utf-8", "replace") if reply.status == http.client.OK else ""
