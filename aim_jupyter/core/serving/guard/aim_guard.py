"""An ASGI middleware that asks for the server's key on every route but ``/health``.

vLLM's own ``--api-key`` guards only paths below ``/v1`` and a few more; ``/invocations``, which is
full inference, and ``/metrics`` stay open to every user of the node. This file is loaded by the
engine's interpreter through ``--middleware aim_guard.Guard``, so it needs the standard library
alone and nothing of this package.
"""

from __future__ import annotations

import hmac
import os
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class Guard:
    """Answer 401 to requests without ``Authorization: Bearer <key>``."""

    open_paths = frozenset({"/health"})

    def __init__(self, app: App) -> None:
        self.app = app
        self.expected = ("Bearer " + os.environ["VLLM_API_KEY"]).encode()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass on what may pass; websockets are closed, lifespan events always pass."""
        if scope["type"] == "lifespan" or self._allowed(scope):
            await self.app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await _refuse(send)

    def _allowed(self, scope: Message) -> bool:
        if scope.get("path") in self.open_paths:
            return True
        given: bytes = dict(scope.get("headers") or []).get(b"authorization", b"")
        return hmac.compare_digest(given, self.expected)


async def _refuse(send: Send) -> None:
    body = b'{"error":{"message":"This server wants its key.","type":"unauthorized","code":401}}'
    headers = [(b"content-type", b"application/json"), (b"www-authenticate", b"Bearer")]
    await send({"type": "http.response.start", "status": 401, "headers": headers})
    await send({"type": "http.response.body", "body": body})
