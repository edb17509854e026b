"""Servers: start, find, wait for, end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

from aim_jupyter.core import api
from aim_jupyter.core.defaults import DRAIN_S, IDLE_S
from aim_jupyter.core.planning import Request
from aim_jupyter.core.recipes.asked import Context
from aim_jupyter.core.records import Status
from aim_jupyter.server import Server
from aim_jupyter.verbs.frames import frame

if TYPE_CHECKING:
    import openai
    import pandas as pd


def launch(
    model: str = api.DEMO,
    *,
    recipe: str | None = None,
    gpus: Sequence[int] | None = None,
    precision: str | None = None,
    metric: Literal["latency", "throughput"] | None = None,
    users: int | None = None,
    context: Context = None,
    engine: str | None = None,
    name: str | None = None,
    new: bool = False,
    port: int | None = None,
    listen: str | None = None,
    idle_s: float | None = IDLE_S,
    lifetime_s: float | None = None,
    restarts: int | None = None,
    start: Literal["plain", "lean", "fork", "warm"] | None = None,
    with_jupyter: bool = False,
    force: bool = False,
    options: Mapping[str, Any] | None = None,
    unset: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
) -> Server:
    """Start a server, or without `new` find the one with the same command; return its handle.

    Parameters
    ----------
    model : str
        A name of the catalogue, a repository of the Hub, or a folder.
    gpus : sequence of int, optional
        HIP ordinals; else free ones are chosen.
    precision, metric : str, optional
        Take a recipe of that precision, or one that is tuned for that; else the best one.
    users : int, optional
        Conversations at the same time.
    context : int or "auto", optional
        Tokens of each; "auto" is the most that all users have room for.
    listen : str, optional
        "unix" for a socket file of the user's, or an address of this machine; else loopback.
    idle_s, lifetime_s : float or None
        Seconds without a request, and in all, after which it stops; None is never.
    restarts : int or None
        How often in a row it is started again if it ends by itself once it was ready.
    start : str, optional
        How the engine is started; else in the quickest way that is verified for it.
    with_jupyter : bool
        Whether it stops when this Jupyter server ends.
    options : mapping, optional
        The engine's own options, as in ``{"max-model-len": 8192}``; None is a bare switch.

    Raises
    ------
    AimError
        Before anything was started, with what was found and what to do.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> server = aim.launch("demo").wait()                            # doctest: +SKIP
    """
    request = Request(
        model=model,
        recipe=recipe,
        engine=engine,
        gpus=None if gpus is None else tuple(gpus),
        precision=precision,
        metric=metric,
        users=users,
        context=context,
        name=name,
        port=port,
        listen=listen,
        idle_s=idle_s,
        lifetime_s=lifetime_s,
        restarts=restarts,
        start=start,
        with_jupyter=with_jupyter,
        options=dict(options or {}),
        unset=tuple(unset),
        env=dict(env or {}),
        force=force,
    )
    return Server(api.launch(request, new=new))


def ps() -> pd.DataFrame:
    """Return all servers, live and ended.

    Examples
    --------
    >>> import aim_jupyter as aim
    >>> running = aim.ps().query("state == 'running'")
    """
    return frame("ps", api.servers())


def attach(server: str | None = None) -> Server:
    """Return the handle of a live server, from any process; without a name, of the latest.

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
    """Return a ready OpenAI client for a server; without a name, for the latest.

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
    return Server(api.server(server)).stop(drain_s)
