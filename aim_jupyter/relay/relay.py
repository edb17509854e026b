"""Passes a request on to an engine and its reply back, chunk by chunk, while it comes.

What authenticates a user here never reaches the engine: of a request only the headers of `PASSED`
go on, and the server's own key.
"""

from __future__ import annotations

import asyncio
import http
import weakref
from typing import NamedTuple
from urllib.parse import unquote_plus

import aiohttp
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, RequestHandler
from yarl import URL

from aim_jupyter.core.records import Address

#: What of a request goes on to the engine. All else is between the client and who stands before it:
#: cookies, tokens, the hub's own headers. A map stays one that may wait for people (`aim_guard`).
PASSED = (
    *("accept", "accept-encoding", "content-type", "traceparent", "tracestate", "x-request-id"),
    "x-aim-behind",
)
#: What of a reply does not come back: it is about one connection (RFC 9110, 7.6.1), or is for the
#: route's own server to say.
_KEPT_BACK = {
    *("connection", "keep-alive", "proxy-authenticate", "proxy-connection", "te", "trailer"),
    *("transfer-encoding", "upgrade", "date", "server", "set-cookie", "www-authenticate"),
}
#: An engine on this machine takes a connection at once, or refuses it; where many wait for it, this
#: one waits with them. A reply may take as long as it takes.
_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=None, sock_read=None)
_LONGEST_LINE = 1 << 16
#: Nothing is said to the engine that the client has not said.
_SILENT = ("Accept", "Accept-Encoding", "User-Agent", "Content-Type")


class Upstream(NamedTuple):
    """Where the engine listens, and what opens it."""

    at: Address
    key: str


class Relay(RequestHandler):
    """A handler that can pass its request on."""

    #: Arguments of a query that are not the engine's.
    kept: tuple[str, ...] = ()
    _relay: asyncio.Task[None] | None = None

    async def relay(
        self, upstream: Upstream, path: str, here: str, body: bytes | aiohttp.FormData | None = None
    ) -> None:
        """Pass the request on and its reply back.

        Parameters
        ----------
        path : str
            What the engine is asked for, as it came, with its slash.
        here : str
            What stands before ``/v1`` in our own paths: where redirects lead.
        body : bytes or FormData, optional
            In place of the request's own.
        """
        # A task of its own: when the client leaves, it alone is cancelled, and with it the
        # connection to the engine, which then stops generating.
        self._relay = asyncio.ensure_future(self._pass_on(upstream, path, here, body))
        await asyncio.wait([self._relay])
        if not self._relay.cancelled():
            self._relay.result()

    def on_connection_close(self) -> None:
        """Leave the engine alone when the client has left."""
        if self._relay is not None:
            self._relay.cancel()

    def used(self) -> None:
        """Take note that something came; for who counts activity."""

    def complete(self, kind: str) -> None:  # noqa: ARG002 - for who sets one at the end
        """End the reply, whose content type is `kind`."""
        self.finish()

    def target(self, path: str) -> str:
        """Return path and query as the engine is asked, without what is kept here.

        Raises
        ------
        HTTPError
            404 for a way out of ``/v1``, 400 for what is no target of a request.
        """
        if ".." in unquote_plus(path).split("/"):
            raise HTTPError(http.HTTPStatus.NOT_FOUND)
        asked = self.request.uri or ""
        if "#" in asked or not (asked.isascii() and asked.isprintable()):
            # No target of a request (RFC 9112, 3.2): what an engine makes of it nobody knows.
            raise HTTPError(http.HTTPStatus.BAD_REQUEST, "The path is none that can be asked for.")
        parts = filter(None, self.request.query.split("&"))
        left = [part for part in parts if unquote_plus(part.partition("=")[0]) not in self.kept]
        return f"{path}{'?' if left else ''}{'&'.join(left)}"

    async def _pass_on(
        self, upstream: Upstream, path: str, here: str, body: bytes | aiohttp.FormData | None
    ) -> None:
        at = upstream.at
        origin = f"http://{at.host or 'localhost'}" + (f":{at.port}" if at.port else "")
        headers = {name: value for name in PASSED if (value := self.request.headers.get(name))}
        if isinstance(body, aiohttp.FormData):
            # Its boundary is another.
            headers.pop("content-type", None)
        try:
            reply = await _session(at.socket).request(
                self.request.method or "GET",
                URL(origin + self.target(path), encoded=True),
                headers={**headers, "Authorization": f"Bearer {upstream.key}"},
                data=self.request.body if body is None else body,
                allow_redirects=False,
                skip_auto_headers=() if isinstance(body, aiohttp.FormData) else _SILENT,
            )
        except (aiohttp.ClientError, OSError) as error:
            raise HTTPError(http.HTTPStatus.BAD_GATEWAY, _silent(error)) from error
        try:
            await self._hand_back(reply, upstream, here)
        finally:
            reply.close()

    async def _hand_back(
        self, reply: aiohttp.ClientResponse, upstream: Upstream, here: str
    ) -> None:
        location = reply.headers.get("location")
        to = None if location is None else moved(reply.url, location, upstream.at, here)
        if location is not None and to is None:
            raise HTTPError(http.HTTPStatus.BAD_GATEWAY, "The engine sends elsewhere.")
        self.set_status(reply.status, reply.reason or None)
        self.clear_header("Content-Type")
        for name, value in reply.headers.items():
            low = name.lower()
            if low not in _KEPT_BACK and not low.startswith("access-control-"):
                self.set_header(name, to or "" if low == "location" else value)
        # nginx, where one stands before the hub, would else collect a stream.
        self.set_header("X-Accel-Buffering", "no")
        # Else a small chunk is held back until the one before is acknowledged, up to 40 ms later.
        self.request.connection.stream.set_nodelay(True)  # type: ignore[union-attr]
        try:
            async for chunk in reply.content.iter_any():
                self.write(chunk)
                await self.flush()
                self.used()
            self.complete(reply.headers.get("content-type", "application/json"))
        except StreamClosedError:
            return
        except (aiohttp.ClientError, OSError):
            # Half a reply may not look like a whole one: the connection ends without its end.
            self.request.connection.stream.close()  # type: ignore[union-attr]


def moved(asked: URL, location: str, at: Address, here: str) -> str | None:
    """Return where a redirect leads as a client of this route reaches it; None for elsewhere.

    An engine names its own address, which means another machine to whoever is not on this one.
    """
    try:
        to = asked.join(URL(location))
    except ValueError:
        return None
    ours = (at.host or "localhost", at.port or 80)
    same = to.scheme == "http" and (to.host, to.port) == ours
    inside = to.raw_path.split("/")[1:2] == ["v1"] and ".." not in to.path.split("/")
    return f"{here}{to.raw_path_qs}" if same and inside else None


_sessions: weakref.WeakKeyDictionary[
    asyncio.AbstractEventLoop, dict[str, aiohttp.ClientSession]
] = weakref.WeakKeyDictionary()


def _session(socket: str) -> aiohttp.ClientSession:
    """Return the one session of this loop for TCP (an empty `socket`), or that for a socket file.

    It keeps no connections: vLLM closes idle ones after 5 s.
    """
    known = _sessions.setdefault(asyncio.get_running_loop(), {})
    if socket not in known:
        connector: aiohttp.BaseConnector = (
            aiohttp.UnixConnector(socket, limit=0, force_close=True)
            if socket
            else aiohttp.TCPConnector(limit=0, force_close=True, ttl_dns_cache=None)
        )
        known[socket] = aiohttp.ClientSession(
            connector=connector,
            timeout=_TIMEOUT,
            auto_decompress=False,
            trust_env=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            max_line_size=_LONGEST_LINE,
            max_field_size=_LONGEST_LINE,
        )
    return known[socket]


async def closed() -> None:
    """Close the sessions of this loop."""
    for session in _sessions.pop(asyncio.get_running_loop(), {}).values():
        await session.close()


def _silent(error: Exception) -> str:
    return f"The engine does not answer: {type(error).__name__}."
