"""What all handlers share: who may ask, what is read, how it fails, what counts as activity."""

from __future__ import annotations

import asyncio
import contextvars
import functools
import http
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ParamSpec, TypeVar

import msgspec
from jupyter_server.base.handlers import APIHandler
from tornado.web import HTTPError, RequestHandler

from aim_jupyter.core import errors
from aim_jupyter.core.errors import AimError, BadUsage
from aim_jupyter.core.records.kinds import resolved
from aim_jupyter.core.request.record import Request, checked

P = ParamSpec("P")
T = TypeVar("T")

#: What an expected failure is in HTTP; of a class that is not here its nearest parent's counts.
STATUS: dict[type[AimError], http.HTTPStatus] = {
    AimError: http.HTTPStatus.BAD_REQUEST,
    errors.UnknownName: http.HTTPStatus.NOT_FOUND,
    errors.ModelMissing: http.HTTPStatus.NOT_FOUND,
    errors.NoEngine: http.HTTPStatus.CONFLICT,
    errors.GpuUnavailable: http.HTTPStatus.CONFLICT,
    errors.NoFit: http.HTTPStatus.CONFLICT,
    errors.NotOwner: http.HTTPStatus.FORBIDDEN,
    errors.PortTaken: http.HTTPStatus.CONFLICT,
    errors.ServerGone: http.HTTPStatus.GONE,
    errors.StateUnusable: http.HTTPStatus.INSUFFICIENT_STORAGE,
}

#: Launches and stops wait for processes: they may not keep the sampler from its thread.
WORKERS = 8


class Handler(APIHandler):
    """One route of the REST.

    It answers JSON, every failure is ``{error, found, to_do}``, and what it is asked never counts
    as activity of the user: a sidebar that is left open may not keep a server alive for ever.
    """

    _track_activity = False

    async def prepare(self) -> None:  # type: ignore[override]  # as `APIHandler` does
        """Refuse whoever is not logged in, before anything else is looked at.

        ``@authenticated`` on each verb says the same to who reads it, and to Jupyter's own check;
        a verb that a route does not have would otherwise say so to anyone.
        """
        await super().prepare()
        if self.current_user is None and self.request.method != "OPTIONS":
            raise HTTPError(http.HTTPStatus.FORBIDDEN)

    def answer(self, value: Any, status: http.HTTPStatus = http.HTTPStatus.OK) -> None:
        """Finish with `value` as JSON; times are written as ISO 8601 in UTC."""
        self.set_status(status)
        self.set_header("Cache-Control", "no-cache")
        self.finish(msgspec.json.encode(value))

    def body(self, kind: type[T]) -> T:
        """Return the body as a `kind`.

        Raises
        ------
        BadUsage
            If it is something else; it says what and where.
        """
        try:
            return msgspec.json.decode(self.request.body, type=resolved(kind))
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadUsage(f"The body can't be read: {_said(error)}.", _WORDS) from error

    @property
    def asked(self) -> Request:
        """The body as a request, whose fields are those of `request.record.OPTIONS`.

        Raises
        ------
        BadUsage
            If it is something else; it says what and where.
        """
        return checked(self.body(dict[str, Any]))

    def query(self, kind: type[T]) -> T:
        """Return the query as a `kind`."""
        given = {
            name: values[-1].decode("utf-8", "replace")
            for name, values in self.request.query_arguments.items()
            if name not in JUPYTERS and not name.isdigit()
        }
        try:
            return msgspec.convert(given, type=resolved(kind), strict=False)
        except msgspec.ValidationError as error:
            raise BadUsage(f"The query can't be read: {_said(error)}.", _WORDS) from error

    async def work(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call what blocks in a thread and return what it returns."""
        return await work(function, *args, **kwargs)

    def write_error(self, status_code: int, **kwargs: Any) -> None:  # noqa: ARG002
        """Answer a failure: an expected one with its words, any other with none of its own."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, AimError):
            self.set_status(status_of(error))
        if self.get_status() == http.HTTPStatus.METHOD_NOT_ALLOWED:
            self.set_header("Allow", ", ".join(self._verbs()))
        self.finish(msgspec.json.encode(self.failure(error)))

    def _verbs(self) -> list[str]:
        """Return what this route can be asked with."""
        asked = ((verb, verb.lower()) for verb in self.SUPPORTED_METHODS)
        return [
            verb
            for verb, name in asked
            if getattr(type(self), name) is not getattr(RequestHandler, name)
        ]

    def failure(self, error: BaseException | None) -> dict[str, Any]:
        """Return what the client is told of `error`."""
        name, found, to_do = told(error, self.get_status())
        return {"error": name, "found": found, "to_do": to_do}

    def log_exception(self, *exc_info: Any) -> None:
        """Log a defect with its traceback, and what was to be expected with a line at most."""
        if not isinstance(exc_info[1], AimError):
            super().log_exception(*exc_info)


def status_of(error: AimError) -> http.HTTPStatus:
    """Return the status of an expected failure."""
    return next(STATUS[kind] for kind in type(error).__mro__ if kind in STATUS)


def told(error: BaseException | None, status: int) -> tuple[str, str, str]:
    """Return the class of a failure, what was found, and what to do."""
    if isinstance(error, AimError):
        return type(error).__name__, " ".join(error.found.split()), " ".join(error.hint.split())
    phrase = http.HTTPStatus(status).phrase
    if isinstance(error, HTTPError) and status < http.HTTPStatus.INTERNAL_SERVER_ERROR:
        return phrase.replace(" ", ""), error.log_message or f"{phrase}.", ""
    return phrase.replace(" ", ""), "This is a defect of aim_jupyter.", "see the log of Jupyter"


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(WORKERS, thread_name_prefix="aim")


async def work(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call what blocks in a thread of ours and return what it returns."""

    def called() -> T:
        with errors.closed_files():
            return function(*args, **kwargs)

    call = functools.partial(contextvars.copy_context().run, called)
    return await asyncio.get_running_loop().run_in_executor(_pool(), call)


def _said(error: Exception) -> str:
    return str(error).rstrip(".") or type(error).__name__


#: Arguments that are Jupyter's: its own token, and what keeps a request from being activity. A
#: number is the time, which JupyterLab adds so that nothing between gives an answer twice.
JUPYTERS = ("token", "no_track_activity", "_xsrf")
_WORDS = "what each route takes stands in aim/openapi.json"
