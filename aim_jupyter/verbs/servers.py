"""Servers: start, find, wait for, end."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aim_jupyter.core import api
from aim_jupyter.core.defaults import DRAIN_S
from aim_jupyter.core.records import Note, Plan, Status
from aim_jupyter.core.records.explained import Explanation
from aim_jupyter.core.request import Request
from aim_jupyter.verbs.asking import asking
from aim_jupyter.verbs.frames import frame
from aim_jupyter.verbs.server import Server

if TYPE_CHECKING:
    import openai
    import pandas as pd


@api.launching()
@asking
def launch(request: Request) -> Server:
    """Start a server, or without `new` find the one with the same command; return its handle.

    It takes the options of ``%aim launch``; `options` are the engine's own, as in
    ``{"max-model-len": 8192}``, where None is a bare switch.

    Raises
    ------
    AimError
        Before anything was started, with what was found and what to do.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> server = aim.launch("demo").wait()                            # doctest: +SKIP
    """
    return Server(api.launch(request))


@asking
def plan(request: Request) -> Plan:
    """Return what `launch` would start, without starting it.

    It takes what `launch` takes.

    Raises
    ------
    AimError
        If it would be refused, with what was found and what to do.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> aim.plan("demo").recipe_id                                    # doctest: +SKIP
    'cpu-bf16-tp1'
    """
    return api.plan(request)


def ps() -> pd.DataFrame:
    """Return all servers, live and ended.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> running = aim.ps().query("state == 'running'")
    """
    return frame("ps", api.servers())


def queue() -> pd.DataFrame:
    """Return who waits for the GPUs of this machine, in the order in which they are served.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> longest = aim.queue().waited_s.max()
    """
    return frame("queue", api.queue())


def ask(gpu: int | None = None, words: str = "") -> list[Note]:
    """Leave a word for who holds a GPU; return what this user was asked, has asked, and answers.

    Without a GPU nothing is left. All of this node can read the words.

    Raises
    ------
    BadUsage, GpuUnavailable
        If nobody else holds it, or there is no such GPU.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> aim.ask(3, "thesis due tonight")                              # doctest: +SKIP
    """
    return api.notes() if gpu is None else api.leave_note(gpu, words)


def answer(user: str, words: str) -> list[Note]:
    """Answer what a user has asked for, and return the same as `ask`.

    Raises
    ------
    UnknownName
        If that user has asked nothing.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> aim.answer("ann", "at 18:00")                                 # doctest: +SKIP
    """
    return api.answer_note(user, words)


def attach(server: str | None = None) -> Server:
    """Return the handle of a live server, from any process.

    Without a name it is of what this process launched last, else of the newest.

    Raises
    ------
    ServerGone
        If it has ended, or its key is gone.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> server = aim.attach("demo")                                   # doctest: +SKIP
    """
    return Server(api.attach(server))


def client(server: str | None = None) -> openai.OpenAI:
    """Return a ready OpenAI client for a server; which without a name, `attach` says.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> aim.client().models.list()                                    # doctest: +SKIP
    """
    return attach(server).client


def status() -> Status:
    """Return GPUs, engine, servers, cache and the next step as one record.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> aim.status().machine.host                                     # doctest: +SKIP
    """
    return api.overview()


def why(
    server: str | None = None,
    *,
    log: str | Path | None = None,
    engine: str | None = None,
    engine_version: str | None = None,
    exit_code: int | None = None,
) -> Explanation:
    """Return why an engine ended: of a server, or of a log from anywhere.

    Parameters
    ----------
    server : str, optional
        Its name, else the last launched.
    log : path, optional
        A log from anywhere instead; the others say of it what it does not.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> aim.why(log="/nowhere")
    Traceback (most recent call last):
    ...
    aim_jupyter.core.errors.BadUsage: /nowhere can't be read: No such file or directory.
    """
    if log is None:
        return api.why(server)
    return api.why_log(Path(log), engine=engine, version=engine_version, exit_code=exit_code)


def wait(server: str | None = None, timeout_s: float = 1800.0) -> Server:
    """Block until a server is ready and return its handle.

    Raises
    ------
    StartFailed, WaitTimeout

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> aim.wait("demo")                                              # doctest: +SKIP
    """
    return Server(api.server(server)).wait(timeout_s)


def events(server: str | None = None) -> pd.DataFrame:
    """Return what happened to the servers, or to one: stages, health, leases, stops, ends.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> unwell = aim.events().query("kind == 'health'")
    """
    return frame("events", api.events(server))


def logs(server: str | None = None, lines: int = 40) -> list[str]:
    """Return the last lines of an engine's log.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> aim.logs("demo", lines=5)                                     # doctest: +SKIP
    """
    return api.logs(server, lines=lines)


def stop(server: str | None = None, drain_s: float = DRAIN_S) -> Server:
    """End a server and verify that nothing of it is left.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> aim.stop("demo").state                                        # doctest: +SKIP
    'stopped'
    """
    return Server(api.server(api.stop(server, drain_s=drain_s).record.name))
