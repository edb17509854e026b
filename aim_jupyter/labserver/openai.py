"""The OpenAI route of a server: Jupyter's token comes in, the server's own key goes out.

``aim/servers/<name>/v1/*`` passes on everything that an OpenAI client sends, so that tools in the
browser and programs elsewhere reach a server through Jupyter, and through the hub before it. What
authenticates a user to Jupyter or the hub never reaches the engine: of a request only the headers
of `PASSED` go on. The reply is handed on as it comes, chunk by chunk.
"""

from __future__ import annotations

import asyncio
import functools
import http
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

import httpx
from jupyter_server.utils import url_path_join
from tornado.iostream import StreamClosedError
from tornado.web import HTTPError, authenticated

from aim_jupyter.core import api, hints
from aim_jupyter.core.records import Address
from aim_jupyter.labserver.base import JUPYTERS, Handler, told

#: What of a request goes on to the engine. All else is between the client and Jupyter: cookies,
#: tokens, the hub's own headers.
PASSED = ("accept", "accept-encoding", "content-type", "traceparent", "tracestate", "x-request-id")
#: What of a reply does not come back: it is about one connection (RFC 9110, 7.6.1), or is for the
#: route's own server to say.
_KEPT_BACK = {
    *("connection", "keep-alive", "proxy-authenticate", "proxy-connection", "te", "trailer"),
    *("transfer-encoding", "upgrade", "date", "server", "set-cookie", "www-authenticate"),
}
#: An engine on this machine takes a connection at once, or refuses it; where many wait for it, this
#: one waits with them. A reply may take as long as it takes.
_TIMEOUT = httpx.Timeout(None)


class Upstream(NamedTuple):
    """Where the engine listens, and what opens it."""

    at: Address
    key: str


class OpenAI(Handler):
    """The OpenAI interface of one server. Its use is activity of the user, unlike all polling."""

    _track_activity = True
    _relay: asyncio.Task[None] | None = None

    @authenticated
    async def get(self, name: str, path: str | None = None) -> None:
        """Pass the request on to the engine and its reply back, while it comes."""
        upstream = await self.work(_upstream, name)
        self.update_api_activity()
        # A task of its own: when the client leaves, it alone is cancelled, and with it the
        # connection to the engine, which then stops generating.
        self._relay = asyncio.ensure_future(self._pass_on(upstream, path or ""))
        await asyncio.wait([self._relay])
        if not self._relay.cancelled():
            self._relay.result()

    post = put = patch = delete = head = get

    def on_connection_close(self) -> None:
        """Leave the engine alone when the client has left."""
        if self._relay is not None:
            self._relay.cancel()

    async def _pass_on(self, upstream: Upstream, path: str) -> None:
        at = upstream.at
        client = _client(at.socket)
        request = client.build_request(
            self.request.method or "GET",
            httpx.URL(
                scheme="http",
                host=at.host or "localhost",
                port=at.port or None,
                raw_path=self._target(path),
            ),
            headers={
                **{name: value for name in PASSED if (value := self.request.headers.get(name))},
                "Authorization": f"Bearer {upstream.key}",
            },
            content=self.request.body,
        )
        try:
            reply = await client.send(request, stream=True)
        except httpx.TransportError as error:
            raise HTTPError(http.HTTPStatus.BAD_GATEWAY, _silent(error)) from error
        try:
            await self._hand_back(reply, upstream)
        finally:
            await reply.aclose()

    def _target(self, path: str) -> bytes:
        """Return path and query as the engine is asked: as they came, without what is Jupyter's."""
        if ".." in path.split("/"):
            raise HTTPError(http.HTTPStatus.NOT_FOUND)
        asked = self.request.uri or ""
        if "#" in asked or not (asked.isascii() and asked.isprintable()):
            # No target of a request (RFC 9112, 3.2): what an engine makes of it nobody knows.
            raise HTTPError(http.HTTPStatus.BAD_REQUEST, "The path is none that can be asked for.")
        here = url_path_join(self.base_url, "aim/servers/")
        _, _, raw = self.request.path.removeprefix(here).partition("/")
        parts = filter(None, self.request.query.split("&"))
        left = [part for part in parts if unquote_plus(part.partition("=")[0]) not in JUPYTERS]
        return f"/{raw}{'?' if left else ''}{'&'.join(left)}".encode()

    async def _hand_back(self, reply: httpx.Response, upstream: Upstream) -> None:
        here = self.request.path.partition("/v1")[0]
        if "location" in reply.headers and _moved(reply, upstream.at, here) is None:
            raise HTTPError(http.HTTPStatus.BAD_GATEWAY, "The engine sends elsewhere.")
        self.set_status(reply.status_code, reply.reason_phrase or None)
        self.clear_header("Content-Type")
        for name, value in reply.headers.multi_items():
            if name not in _KEPT_BACK and not name.startswith("access-control-"):
                moved = _moved(reply, upstream.at, here) if name == "location" else value
                self.set_header(name, moved or "")
        # nginx, where one stands before the hub, would else collect a stream.
        self.set_header("X-Accel-Buffering", "no")
        try:
            async for chunk in reply.aiter_raw():
                self.write(chunk)
                await self.flush()
                self.update_api_activity()
            self.finish(set_content_type=reply.headers.get("content-type", "application/json"))
        except StreamClosedError:
            return
        except httpx.TransportError as error:
            # Half a reply may not look like a whole one: the connection ends without its end.
            self.log.warning("aim: %s", _silent(error))
            self.request.connection.stream.close()  # type: ignore[union-attr]

    def failure(self, error: BaseException | None) -> dict[str, Any]:
        """Return a failure as OpenAI's clients read it."""
        name, found, to_do = told(error, self.get_status())
        said = f"{found} {hints.told(to_do)}".rstrip()
        return {"error": {"message": said, "type": name, "param": None, "code": self.get_status()}}


def _upstream(name: str) -> Upstream:
    """Return where a server can be reached.

    Raises
    ------
    UnknownName, ServerGone
        If there is no such server, or it has ended.
    HTTPError
        503 while it is starting.
    """
    folder = api.attach(name)
    record = api.reachable(folder)
    if record.state == "starting" or record.address is None:
        raise HTTPError(http.HTTPStatus.SERVICE_UNAVAILABLE, f"Server {name!r} is starting.")
    return Upstream(record.address, folder.key())


@functools.lru_cache(maxsize=64)
def _client(socket: str) -> httpx.AsyncClient:
    """Return the one client for TCP (an empty `socket`), or that for a socket file.

    It keeps no connections: vLLM closes idle ones after 5 s.
    """
    transport = httpx.AsyncHTTPTransport(
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        uds=socket or None,
        verify=False,
        trust_env=False,
    )
    return httpx.AsyncClient(transport=transport, timeout=_TIMEOUT, trust_env=False)


def _moved(reply: httpx.Response, at: Address, here: str) -> str | None:
    """Return where a redirect leads as a client of this route reaches it; None for elsewhere.

    An engine names its own address, which means another machine to whoever is not on this one.
    """
    try:
        to = reply.request.url.join(reply.headers["location"])
    except httpx.InvalidURL:
        return None
    same = to.scheme == "http" and (to.host, to.port) == (at.host or "localhost", at.port or None)
    path = to.raw_path.decode("ascii")
    inside = path.partition("?")[0].split("/")[1:2] == ["v1"] and ".." not in to.path.split("/")
    return f"{here}{path}" if same and inside else None


def _silent(error: Exception) -> str:
    return f"The engine does not answer: {type(error).__name__}."
