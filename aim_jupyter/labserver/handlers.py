"""The routes of the REST, each a few lines: read what was asked, call the core, answer."""

from __future__ import annotations

import asyncio
import http
from typing import Any

from tornado.web import HTTPError, authenticated

from aim_jupyter.core import api
from aim_jupyter.core.defaults import DRAIN_S
from aim_jupyter.core.errors import AimError
from aim_jupyter.core.records import Choice, ServerView
from aim_jupyter.core.request.record import Request, checked
from aim_jupyter.labserver import answers, openapi
from aim_jupyter.labserver.base import Handler, work
from aim_jupyter.labserver.bodies import (
    LogsQuery,
    ModelsQuery,
    StopQuery,
)
from aim_jupyter.labserver.openai import All, OpenAI
from aim_jupyter.labserver.sampler import Sampler
from aim_jupyter.tables import columns
from aim_jupyter.work import runs

#: In the web application's settings: the reading that all tabs share.
SAMPLER = "aim_sampler"


async def read_status() -> answers.StatusAnswer:
    """Read the machine and its servers in a thread.

    Nobody waits for an engine that has to be asked what it is: a later reading will know.
    """
    found = await work(api.overview, ended=True, ask=False)
    if not found.engine_known and not _questions:
        _questions.add(question := asyncio.ensure_future(_ask_engine()))
        question.add_done_callback(_questions.discard)
    return await work(lambda: answers.status(found, api.models_on_disk(), runs.working()))


async def _ask_engine() -> None:
    if not await work(api.ask_engine):
        # Nothing can be written here: it is asked again, but not all the time.
        await asyncio.sleep(ASKED_S)


#: The question to an engine that is under way.
_questions: set[asyncio.Task[None]] = set()
#: Seconds between two such questions where answers can't be kept.
ASKED_S = 300.0


class Status(Handler):
    """All that a sidebar shows."""

    @authenticated
    async def get(self) -> None:
        """Answer the last reading while it is fresh, else a new one."""
        self.answer(await self.sampler.latest())

    @property
    def sampler(self) -> Sampler[answers.StatusAnswer]:
        """The reading that all tabs share."""
        shared: Sampler[answers.StatusAnswer] = self.settings[SAMPLER]
        return shared


class Models(Handler):
    """The models that can be named in a launch."""

    @authenticated
    async def get(self) -> None:
        """Answer those whose name holds what was typed, in the order of a picker."""
        query = self.query(ModelsQuery)
        said = {"users": query.users, "context": query.context, "gpus": query.gpus}
        asked = checked({name: value for name, value in said.items() if value})
        self.answer(answers.models(await self.work(api.known, asked, query.q)))


class Recipes(Handler):
    """The recipes of a model, or the best of each."""

    @authenticated
    async def get(self) -> None:
        """Answer them with verdict and reason."""
        asked = checked(self.query(dict[str, str]))
        choices = await self.work(_choices, asked)
        self.answer({"rows": [columns.recipe_row(choice) for choice in choices]})


def _choices(asked: Request) -> list[Choice]:
    return api.recipe_list(api.with_variables(asked) if asked.model else asked)


class Queue(Handler):
    """The line for the GPUs of this machine."""

    @authenticated
    async def get(self) -> None:
        """Answer who waits, in turn."""
        waiting = await self.work(api.queue)
        self.answer({"rows": [columns.waiting_row(one) for one in waiting]})


class Plan(Handler):
    """What a launch would start."""

    @authenticated
    async def post(self) -> None:
        """Answer the line, the verdict and the name; nothing is started."""
        self.answer(await self.work(_plan, self.asked))


def _plan(asked: Request) -> answers.PlanAnswer:
    choice, plan = api.judged_plan(api.with_variables(asked))
    return answers.planned(asked, choice, plan)


class Servers(Status):
    """All servers, live and ended."""

    @authenticated
    async def get(self) -> None:
        """Answer them as the status does."""
        self.answer({"servers": (await self.sampler.latest()).servers})

    @authenticated
    async def post(self) -> None:
        """Launch a server, or find the one with the same command."""
        view = await self.work(_launch, self.asked)
        self.sampler.forget()
        self.answer(columns.server_row(view), http.HTTPStatus.CREATED)


def _launch(asked: Request) -> ServerView:
    folder = api.launch(api.with_variables(asked))
    return api.status(folder.name)


class Server(Status):
    """One server."""

    @authenticated
    async def get(self, name: str) -> None:
        """Answer what the status says of it."""
        self.answer(answers.server(await self.work(api.status, name)))

    @authenticated
    async def delete(self, name: str) -> None:
        """Begin to stop it; it is then seen as stopping. An ended one can be forgotten."""
        asked = self.query(StopQuery)
        if asked.forget:
            view = await self.work(api.forget, name)
            self.sampler.forget()
        else:
            view = await self.work(api.stoppable, name)
            _stops.add(stop := asyncio.ensure_future(self._stop(name, now=asked.now)))
            stop.add_done_callback(_stops.discard)
        self.answer(columns.server_row(view), http.HTTPStatus.ACCEPTED)

    async def _stop(self, name: str, *, now: bool) -> None:
        try:
            await work(api.stop, name, drain_s=0.0 if now else DRAIN_S)
        except AimError as error:
            self.log.warning("aim: %s %s", *error.lines[:1], *(error.lines[1:] or [""]))
        finally:
            self.sampler.forget()


#: Stops that are under way: a task that nobody holds may be collected before its end.
_stops: set[asyncio.Task[None]] = set()


class Logs(Handler):
    """The end of an engine's log."""

    @authenticated
    async def get(self, name: str) -> None:
        """Answer its last lines."""
        asked = self.query(LogsQuery)
        self.answer({"lines": await self.work(api.logs, name, lines=asked.lines)})


class Why(Handler):
    """Why a server ended."""

    @authenticated
    async def get(self, name: str) -> None:
        """Answer the cause with its evidence, and what was ruled out."""
        self.answer(await self.work(api.why, name))


class Shares(Handler):
    """With whom a server is shared."""

    @authenticated
    async def get(self, name: str) -> None:
        """Answer the shares."""
        self.answer({"shares": await self.work(_shares, name)})


def _shares(name: str) -> list[api.Share]:
    return api.shares_of(name).get(name, [])


class Share(Handler):
    """A share with one user, or with all of the node where the user is ``*``."""

    @authenticated
    async def put(self, name: str, user: str) -> None:
        """Share the server; once more changes nothing."""
        self.answer({"shares": await self.work(api.share, name, user)})

    @authenticated
    async def delete(self, name: str, user: str) -> None:
        """Take it back."""
        self.answer({"shares": await self.work(api.revoke, name, user)})


class OpenApi(Handler):
    """The REST, described for machines."""

    @authenticated
    async def get(self) -> None:
        """Answer the description."""
        self.answer(openapi.document())


class NotFound(Handler):
    """Everything else below ``aim/``: our own words instead of a page."""

    @authenticated
    async def get(self, *_: Any) -> None:
        """Say that there is nothing here."""
        raise HTTPError(http.HTTPStatus.NOT_FOUND)

    post = put = patch = delete = get


_SERVER = r"servers/(?P<name>[^/]+)"
ROUTES: tuple[tuple[str, type[Handler]], ...] = (
    ("status", Status),
    ("models", Models),
    ("recipes", Recipes),
    ("plan", Plan),
    ("servers", Servers),
    ("queue", Queue),
    (_SERVER, Server),
    (rf"{_SERVER}/logs", Logs),
    (rf"{_SERVER}/why", Why),
    (rf"{_SERVER}/shares", Shares),
    (rf"{_SERVER}/shares/(?P<user>[^/]+)", Share),
    (rf"{_SERVER}/v1(?P<path>/.*)?", OpenAI),
    (r"v1(?P<path>/.*)?", All),
    (r"openapi\.json", OpenApi),
    (r".*", NotFound),
)
