"""Clients of openai's for one server: the key hidden, the transport its own, its end told."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any, Literal

from aim_jupyter.core import api
from aim_jupyter.core.errors import AimError, BadUsage, CannotDo, ServerGone
from aim_jupyter.core.records import ServerRecord
from aim_jupyter.core.serving import ServerFolder

Kind = Literal["OpenAI", "AsyncOpenAI"]

#: As many requests at once as openai's own clients send.
_MOST = 1000


def client(kind: Kind, folder: ServerFolder) -> Any:
    """Return openai's client `kind` for a server.

    Raises
    ------
    ServerGone
        If the server has ended.
    """
    record = api.reachable(folder)
    more = {} if kind == "OpenAI" and not record.socket else _transport(kind, record.socket)
    made = _class(kind, folder, record)
    return made(base_url=record.base_url, api_key=folder.key(), **more)


def plain(kind: Kind, base_url: str, key: str) -> Any:
    """Return openai's client `kind` for an address of several servers, with the key hidden."""
    import openai  # noqa: PLC0415 - as below

    base: Any = getattr(openai, kind)

    def describe(self: Any) -> str:
        return f"{kind}(base_url={str(self.base_url)!r}, api_key='…')"

    def request(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return base.request(self, *args, **kwargs)
        except openai.APIStatusError as error:
            raise _told(error) from None

    async def request_async(self: Any, *args: Any, **kwargs: Any) -> Any:
        try:
            return await base.request(self, *args, **kwargs)
        except openai.APIStatusError as error:
            raise _told(error) from None

    own = {"request": request if kind == "OpenAI" else request_async}
    made = type(kind, (base,), {"__repr__": describe, "__module__": __name__, **own})
    more = _transport(kind, "") if kind == "AsyncOpenAI" else {}
    return made(base_url=base_url, api_key=key, **more)


def _transport(kind: Kind, path: str) -> dict[str, Any]:
    """Return what a client is told besides: a socket file, and no connection that outlives a loop.

    A connection that is kept belongs to the event loop that made it; the next one can't use it.
    """
    import openai  # noqa: PLC0415 - as below

    clients = {"OpenAI": openai.DefaultHttpxClient, "AsyncOpenAI": openai.DefaultAsyncHttpxClient}
    # openai 2 is built on httpx, openai 3 on httpx2: a transport must be of the same library.
    library: Any = importlib.import_module(clients[kind].__mro__[1].__module__.partition(".")[0])
    kept = 0 if kind == "AsyncOpenAI" else None
    limits = library.Limits(max_connections=_MOST, max_keepalive_connections=kept)
    transports = {"OpenAI": library.HTTPTransport, "AsyncOpenAI": library.AsyncHTTPTransport}
    if path:
        return {"http_client": clients[kind](transport=transports[kind](uds=path, limits=limits))}
    return {"http_client": clients[kind](limits=limits)}


def _class(kind: Kind, folder: ServerFolder, record: ServerRecord) -> Callable[..., Any]:
    """Return openai's class with a repr that shows the server, and with the server's end told."""
    import openai  # noqa: PLC0415 - 0.4 s that only a client may cost

    base: Any = getattr(openai, kind)
    lost = (openai.APIConnectionError, openai.AuthenticationError)

    def describe(self: Any) -> str:
        return f"{kind}(base_url={str(self.base_url)!r}, api_key='…')"

    def request(self: Any, *args: Any, **kwargs: Any) -> Any:
        _refuse(record, *args, **kwargs)
        try:
            return base.request(self, *args, **kwargs)
        except lost as error:
            raise _ended(folder) or error from None

    async def request_async(self: Any, *args: Any, **kwargs: Any) -> Any:
        _refuse(record, *args, **kwargs)
        try:
            return await base.request(self, *args, **kwargs)
        except lost as error:
            raise _ended(folder) or error from None

    own = {"request": request if kind == "OpenAI" else request_async}
    return type(kind, (base,), {"__repr__": describe, "__module__": __name__, **own})


def _told(error: Any) -> Exception:
    """Return what the gateway has refused as it is told here; what an engine has, as it is."""
    said = error.body if isinstance(error.body, dict) else {}
    if not isinstance(said.get("found"), str):
        return error  # type: ignore[no-any-return]
    kinds = {"CannotDo": CannotDo, "ServerGone": ServerGone}
    return kinds.get(said.get("type", ""), BadUsage)(said["found"], str(said.get("to_do", "")))


def _refuse(record: ServerRecord, _kind: Any = None, options: Any = None, **_: Any) -> None:
    """Raise what a request of openai's would fail with that the server's model can't answer."""
    if options is not None:
        api.refuse(record, str(options.url), options.json_data)


def _ended(folder: ServerFolder) -> AimError | None:
    """Return what became of the server, None where it runs."""
    try:
        api.reachable(folder)
    except AimError as error:
        return error
    return None
