"""An ASGI middleware that asks for the server's key on every route but those that are to be open.

Engines' own checks leave routes open to every user of the node: vLLM's ``--api-key`` guards only
paths below ``/v1`` and a few more, and ``/invocations`` is full inference. This file is loaded by
the engine's interpreter (``--middleware aim_guard.Guard``), so it needs the standard library alone
and nothing of this package. ``AIM_KEY_VARIABLE`` names the variable that holds the key,
``AIM_OPEN_PATHS`` the open routes; an engine that is no ASGI application can ask `Keys`.

Guests, with whom the owner shares the server, have keys of their own: the file that ``AIM_GUESTS``
names holds their SHA-256, one a line, and is read again whenever it has changed. A key that is not
there any more opens nothing, and ends the reply that it had asked for.

A map over a table marks its requests with ``X-Aim-Behind``: they may wait. Each answer to one says
in ``X-Aim-People`` how many requests without the mark have come, so that the map sees at once that
somebody is there.

What may pass is passed on with the server's own key: an engine whose own check stands behind this
one knows no other.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class Keys:
    """The keys that open a server: its own, from the environment, and those of guests."""

    def __init__(self) -> None:
        self.expected = ("Bearer " + os.environ[os.environ["AIM_KEY_VARIABLE"]]).encode()
        self._file = Path(os.environ.get("AIM_GUESTS", os.devnull))
        self._seen: tuple[int, int, int] | None = None
        self._guests: frozenset[str] = frozenset()

    def owns(self, given: bytes) -> bool:
        """Whether an ``Authorization`` header holds the server's own key."""
        return hmac.compare_digest(given, self.expected)

    def invites(self, given: bytes) -> bool:
        """Whether it holds the key of a guest, as of now."""
        kind, _, key = given.partition(b" ")
        return kind == b"Bearer" and hashlib.sha256(key).hexdigest() in self._now()

    def _now(self) -> frozenset[str]:
        try:
            facts = self._file.stat()
            seen = (facts.st_mtime_ns, facts.st_ino, facts.st_size)
            if seen != self._seen:
                self._guests = frozenset(self._file.read_text().split())
                self._seen = seen
        except OSError:
            # A file that can't be read invites nobody.
            self._seen, self._guests = None, frozenset()
        return self._guests


class Guard:
    """Answer 401 to requests without ``Authorization: Bearer <key>``."""

    #: Where what guests may ask begins, by segments: the OpenAI routes and the figures; the rest is
    #: the owner's business.
    guest_paths = ("v1", "metrics")

    def __init__(self, app: App) -> None:
        self.app = app
        self.keys = Keys()
        self.open_paths = frozenset(os.environ.get("AIM_OPEN_PATHS", "").split())
        self.people = 0

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass on what may pass; websockets are closed, lifespan events always pass."""
        headers = dict(scope.get("headers") or [])
        given: bytes = headers.get(b"authorization", b"")
        if scope["type"] == "lifespan":
            await self.app(scope, receive, send)
        elif self._allowed(scope, given):
            told = self._counted(scope, headers, send)
            await self.app(self._admitted(scope), receive, told)
        elif self._invited(scope, given):
            told = self._counted(scope, headers, self._while_invited(given, send))
            await self.app(self._admitted(scope), receive, told)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        else:
            await _refuse(send)

    def _counted(self, scope: Message, headers: dict[bytes, bytes], send: Send) -> Send:
        """Count what a person asks; return a `send` that tells it to who may wait for them."""
        if b"x-aim-behind" not in headers:
            self.people += scope.get("method") == "POST"
            return send

        async def telling(message: Message) -> None:
            if message["type"] == "http.response.start":
                count = (b"x-aim-people", str(self.people).encode())
                message = {**message, "headers": [*message.get("headers", ()), count]}
            await send(message)

        return telling

    def _allowed(self, scope: Message, given: bytes) -> bool:
        return scope.get("path") in self.open_paths or self.keys.owns(given)

    def _invited(self, scope: Message, given: bytes) -> bool:
        http = scope["type"] == "http"
        root, *parts = scope["path"].split("/")
        theirs = not root and parts[0:1] != [] and parts[0] in self.guest_paths
        return http and theirs and ".." not in parts and self.keys.invites(given)

    def _admitted(self, scope: Message) -> Message:
        """Return a request as if it had come with the server's own key."""
        others = [each for each in scope.get("headers") or [] if each[0] != b"authorization"]
        return {**scope, "headers": [*others, (b"authorization", self.keys.expected)]}

    def _while_invited(self, given: bytes, send: Send) -> Send:
        """Return a `send` that ends the reply as soon as the guest's key is taken back."""
        ended = False

        async def passing(message: Message) -> None:
            nonlocal ended
            if ended:
                return
            if not self.keys.invites(given) and message["type"] == "http.response.body":
                ended = True
                message = {"type": "http.response.body", "body": b""}
            await send(message)

        return passing


async def _refuse(send: Send) -> None:
    body = b'{"error":{"message":"This server wants its key.","type":"unauthorized","code":401}}'
    headers = [(b"content-type", b"application/json"), (b"www-authenticate", b"Bearer")]
    await send({"type": "http.response.start", "status": 401, "headers": headers})
    await send({"type": "http.response.body", "body": body})
