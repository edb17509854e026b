"""One address for all servers: the ``model`` of a request says which of them is meant.

The engine is asked for the model as it calls it itself, whatever name the client used, so the body
is written anew, with that one value changed.
"""

from __future__ import annotations

import asyncio
import http
from typing import Any, TypeVar

import aiohttp
import msgspec
from tornado.web import HTTPError

from aim_jupyter.core import api, hints
from aim_jupyter.core.api.directory import Directory, Listed
from aim_jupyter.core.errors import AimError, BadUsage, ServerGone, UnknownName
from aim_jupyter.relay.relay import Relay, Upstream

T = TypeVar("T")
#: What vLLM has beside ``/v1`` only, and what an OpenAI client can ask for below it alone.
_BESIDE = {f"/{name}" for name in ("classify", "tokenize", "detokenize", "pooling")}
_STATUS: tuple[tuple[type[AimError], http.HTTPStatus], ...] = (
    (UnknownName, http.HTTPStatus.NOT_FOUND),
    (ServerGone, http.HTTPStatus.SERVICE_UNAVAILABLE),
    (AimError, http.HTTPStatus.BAD_REQUEST),
)


class Chooser(Relay):
    """Passes a request on to the server whose model it names."""

    directory: Directory

    async def choose(self, path: str, here: str) -> None:
        """Answer what is asked below ``/v1``.

        Parameters
        ----------
        path : str
            What follows ``/v1``, with its slash.
        here : str
            What stands before it.

        Raises
        ------
        AimError
            If no model is named, none runs under that name, or it can't do it.
        """
        if path.rstrip("/") == "/models" and self.request.method == "GET":
            self.finish(_encoded(await self._called(models, self.directory)))
            return
        body = _Body(self)
        found = await self._found(body.model)
        if api.lacks(found.record, path) is not None:
            await self._called(api.refuse, found.record, path)
        target = path if path in _BESIDE else f"/v1{path}"
        assert found.record.address is not None  # noqa: S101 - else it had not been found
        upstream = Upstream(found.record.address, found.key)
        try:
            await self.relay(upstream, target, here, body.naming(found.record.plan.model))
        except HTTPError as error:
            if error.status_code == http.HTTPStatus.BAD_GATEWAY:
                self.directory.forget()
            raise

    async def _found(self, model: str) -> Listed:
        if self.directory.fresh:
            return self.directory.find(model)
        found: Listed = await self._called(self.directory.find, model)
        return found

    async def _called(self, function: Any, *args: Any) -> Any:
        """Call what may read files: in a thread."""
        return await asyncio.get_running_loop().run_in_executor(None, function, *args)


class _Body:
    """What a request says: JSON, or a form with a file of sound."""

    def __init__(self, handler: Relay) -> None:
        self._request = handler.request
        kind = self._request.headers.get("Content-Type", "")
        self._form = kind.startswith("multipart/form-data")
        self._said = {} if self._form else _read(self._request.body, dict[str, msgspec.Raw])
        self.model = self._named()

    def _named(self) -> str:
        if self._form:
            values = self._request.body_arguments.get("model", [])
            name: object = values[-1].decode("utf-8", "replace") if values else None
        else:
            name = _read(self._said["model"], object) if "model" in self._said else None
        if not isinstance(name, str) or not name:
            raise BadUsage("The request names no model.", "%aim ps")
        return name

    def naming(self, model: str) -> bytes | aiohttp.FormData:
        """Return the body with the model as its engine calls it."""
        if not self._form:
            return msgspec.json.encode({**self._said, "model": model})
        form = aiohttp.FormData()
        for name, values in self._request.body_arguments.items():
            for value in [model.encode()] if name == "model" else values:
                form.add_field(name, value, content_type="text/plain")
        for name, files in self._request.files.items():
            for file in files:
                form.add_field(
                    name, file["body"], filename=file["filename"], content_type=file["content_type"]
                )
        return form


def models(directory: Directory) -> dict[str, Any]:
    """Return what ``/v1/models`` answers: every name that means a running server, with its does."""
    rows = []
    for name in directory.names():
        try:
            record = directory.find(name).record
        except AimError:
            continue
        meant = {"root": record.plan.model, "server": record.name, "does": record.does}
        made = {"created": int(record.created_at), "owned_by": "aim"}
        rows.append({"id": name, "object": "model", **made, **meant})
    return {"object": "list", "data": rows}


def failure(error: BaseException, status: int) -> tuple[int, bytes]:
    """Return the status of a failure, and its words as OpenAI's clients read them."""
    name, said, parts = "Error", http.HTTPStatus(status).phrase, {}
    if isinstance(error, AimError):
        status = next(code for kind, code in _STATUS if isinstance(error, kind))
        name, said = type(error).__name__, f"{error.found} {hints.told(error.hint)}".rstrip()
        # For our own clients, which tell it as they tell what fails here.
        parts = {"found": error.found, "to_do": error.hint}
    elif isinstance(error, HTTPError) and error.log_message:
        name, said = http.HTTPStatus(status).phrase.replace(" ", ""), error.log_message
    told = {"message": said, "type": name, "param": None, "code": status, **parts}
    return status, _encoded({"error": told})


def _read(text: Any, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadUsage("The body is no JSON object.", "%aim ps") from error


def _encoded(value: object) -> bytes:
    return msgspec.json.encode(value)
