"""Talking to an engine's HTTP routes with the standard library only.

The supervisor stays small by not importing an HTTP client; one request at a time is all it needs.
"""

from __future__ import annotations

import http.client
import json
from typing import Any, NamedTuple

from aim_jupyter.core.serving.ports import LOOPBACK


class Reply(NamedTuple):
    """Status 0 means that nobody answered."""

    status: int
    body: bytes


def get(port: int, path: str, key: str = "", timeout_s: float = 2.0) -> Reply:
    """Fetch `path` from the engine on `port`; no answer is a `Reply` with status 0."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    connection = http.client.HTTPConnection(LOOPBACK, port, timeout=timeout_s)
    try:
        connection.request("GET", path, headers=headers)
        answer = connection.getresponse()
        return Reply(answer.status, answer.read())
    except (OSError, http.client.HTTPException):
        return Reply(0, b"")
    finally:
        connection.close()


def healthy(port: int, timeout_s: float = 2.0) -> bool:
    """Whether ``/health`` answers 200."""
    return get(port, "/health", timeout_s=timeout_s).status == http.client.OK


def names_model(port: int, key: str, model: str) -> bool:
    """Whether ``/v1/models`` takes our key and names our model: a stranger's server does not."""
    reply = get(port, "/v1/models", key)
    if reply.status != http.client.OK:
        return False
    try:
        listing: Any = json.loads(reply.body)
        return any(entry.get("id") == model for entry in listing["data"])
    except (ValueError, KeyError, TypeError, AttributeError):
        return False
