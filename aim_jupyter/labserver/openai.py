"""The OpenAI routes: Jupyter's token comes in, a server's own key goes out.

``aim/servers/<name>/v1/*`` passes on everything that an OpenAI client sends, so that tools in the
browser and programs elsewhere reach a server through Jupyter, and through the hub before it.
``aim/v1/*`` is one address for all of them: the request's ``model`` says which is meant.
"""

from __future__ import annotations

import http
from typing import Any

from jupyter_server.utils import url_path_join
from tornado.web import HTTPError, authenticated

from aim_jupyter.core import api, hints
from aim_jupyter.core.api.directory import Directory
from aim_jupyter.labserver.base import JUPYTERS, Handler, told
from aim_jupyter.relay.chooser import Chooser
from aim_jupyter.relay.relay import Relay, Upstream

#: What all requests of this Jupyter server know of the names.
_DIRECTORY = Directory()


class Route(Relay, Handler):
    """A route of OpenAI's. Its use is activity of the user, unlike all polling."""

    _track_activity = True
    kept = JUPYTERS

    def used(self) -> None:
        """Count what comes as the user's activity."""
        self.update_api_activity()

    def complete(self, kind: str) -> None:
        """End the reply: Jupyter's own handlers set a type at the end."""
        self.finish(set_content_type=kind)

    def failure(self, error: BaseException | None) -> dict[str, Any]:
        """Return a failure as OpenAI's clients read it."""
        name, found, to_do = told(error, self.get_status())
        said = f"{found} {hints.told(to_do)}".rstrip()
        return {"error": {"message": said, "type": name, "param": None, "code": self.get_status()}}


class OpenAI(Route):
    """The OpenAI interface of one server."""

    @authenticated
    async def get(self, name: str, path: str | None = None) -> None:  # noqa: ARG002 - as it came
        """Pass the request on to the engine and its reply back, while it comes."""
        upstream = await self.work(_upstream, name)
        self.used()
        before = url_path_join(self.base_url, "aim/servers/")
        _, _, raw = self.request.path.removeprefix(before).partition("/")
        await self.relay(upstream, f"/{raw}", self.request.path.partition("/v1")[0])

    post = put = patch = delete = head = get


class All(Route, Chooser):
    """The OpenAI interface of all servers."""

    directory = _DIRECTORY

    @authenticated
    async def get(self, path: str | None = None) -> None:
        """Pass the request on to the server whose model it names."""
        self.used()
        await self.choose(path or "/", url_path_join(self.base_url, "aim"))

    post = put = patch = delete = head = get


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
