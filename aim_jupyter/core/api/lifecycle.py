"""Servers: launched, found, watched, stopped; and the whole at a glance."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

from aim_jupyter.core import cache, config, events, planning, serving
from aim_jupyter.core.api.finding import (
    ended,
    forgotten,
    launched,
    launching,
    live,
    own,
    server,
    shared,
)
from aim_jupyter.core.api.notes import unanswered
from aim_jupyter.core.api.plans import meant, running
from aim_jupyter.core.api.site import engine_for, engine_is_known, machine
from aim_jupyter.core.defaults import DRAIN_S
from aim_jupyter.core.errors import StartFailed, WaitTimeout
from aim_jupyter.core.planning import preflight
from aim_jupyter.core.records import (
    CachedModel,
    CacheTotals,
    Plan,
    ServerRecord,
    ServerView,
    Status,
)
from aim_jupyter.core.request import Request
from aim_jupyter.core.serving import ServerFolder


def launch(request: Request) -> ServerFolder:
    """Start a server in the background and return at once.

    Returns
    -------
    ServerFolder
        Of the new server, or of the one that already runs.
    """
    with launching():
        folder = _launched(request)
    launched(folder)
    return folder


def _launched(request: Request) -> ServerFolder:
    request, answers = meant(request)
    there = None if request.new else running(answers, request)
    if there is not None:
        events.report(f"{there.name} runs already, by the same command: --new starts another one.")
        return there
    _, wanted = answers.plan(request)
    preflight.check(wanted)
    if wanted.listen not in ("loopback", "unix"):
        events.report(exposed(wanted.listen))
    folder = serving.launch(wanted, rename=request.name is None)
    model = _model_folder(wanted)
    if model is not None:
        cache.note_launch(model, hit=wanted.download is None)
    return folder


def exposed(listen: str) -> str:
    """Return what it means that a server listens on an address of the network."""
    where = "every address of this machine" if listen == "0.0.0.0" else listen  # noqa: S104
    return (
        f"It listens on {where}: whoever reaches that can try, the key alone keeps them out, "
        "and what is said goes over the network unencrypted."
    )


def status(name: str | None = None) -> ServerView:
    """Return one server as of now."""
    return serving.view(server(name))


def attach(name: str | None = None) -> ServerFolder:
    """Return a server that is live and whose key can be read: what a client needs.

    Raises
    ------
    ServerGone
        If it has ended, with why.
    """
    folder = live(name)
    reachable(folder)
    return folder


def reachable(folder: ServerFolder) -> ServerRecord:
    """Return the record of a server that a client can be made for.

    Raises
    ------
    ServerGone
        If it has ended, with why, or its key is gone.
    """
    record = serving.reach(folder)
    if not record.live:
        raise ended(record)
    folder.key()
    return record


def wait(name: str | None = None, *, limit_s: float = 1800.0) -> Iterator[ServerView]:
    """Yield the server about four times a second until it is ready, last when it is.

    Raises
    ------
    StartFailed
        If it ends before it is ready, with the cause and what to try.
    WaitTimeout
        If `limit_s` seconds pass before.
    """
    return watch(server(name), limit_s=limit_s)


def watch(folder: ServerFolder, *, limit_s: float) -> Iterator[ServerView]:
    """Do what `wait` says, for a server that is already at hand."""
    end = time.monotonic() + limit_s
    while True:
        view = serving.view(folder)
        yield view
        if view.record.state == "running":
            return
        # While it is cleaned up after, the last word is not written yet.
        if view.record.state not in ("starting", "stopping"):
            raise start_failed(view.record)
        if time.monotonic() > end:
            raise WaitTimeout(
                f"Server {folder.name!r} is not ready after {limit_s:.0f} s "
                f"(stage {view.record.stage or 'none'}).",
                f"%aim wait {folder.name}",
            )
        time.sleep(0.25)


def start_failed(record: ServerRecord) -> StartFailed:
    """Return the error that says why `record`'s server is not running."""
    crash = record.crash
    if crash is None:
        found = f"Server {record.name!r} is {record.state}: {record.reason or 'it has ended'}."
        return StartFailed(found, f"%aim logs {record.name} -n 50")
    words = [f"Server {record.name!r}: {crash.what}", crash.cause]
    return StartFailed(" ".join(filter(None, words)), crash.try_line)


def stoppable(name: str | None = None) -> ServerView:
    """Return one server as of now, if this user may stop it.

    Raises
    ------
    NotOwner
        If another user shares it with this one.
    """
    folder = server(name)
    serving.check_own(folder)
    return serving.view(folder)


def stop(name: str | None = None, *, drain_s: float = DRAIN_S) -> ServerView:
    """End a server and verify that nothing of it is left; an ended one stays as it is.

    Raises
    ------
    ServerGone
        If none was named, and the one that was launched last has ended.
    """
    folder = live(name)
    serving.stop(folder, drain_s=drain_s)
    return serving.view(folder)


def forget(name: str) -> ServerView:
    """Take an ended server off the lists, with its log; return what was kept of it.

    Raises
    ------
    BadUsage, NotOwner
        If it has not ended, or is another user's.
    """
    folder = server(name)
    view = serving.view(folder)
    serving.forget(folder)
    forgotten(folder)
    return view


def logs(name: str | None = None, *, lines: int = 40) -> list[str]:
    """Return the last lines of the engine's log."""
    return serving.tail(server(name), lines)


def follow_logs(name: str | None = None, *, lines: int = 10) -> Iterator[str]:
    """Yield the last lines of the engine's log, then new ones until the server ends."""
    return serving.follow(server(name), lines)


def models_on_disk() -> list[CachedModel]:
    """Return the models of the cache, with the server that uses each."""
    return cache.models(in_use=_models_in_use())


def cache_totals(models: list[CachedModel]) -> CacheTotals:
    """Return the cache in one line."""
    return cache.totals(models)


def overview(*, ended: bool = False, ask: bool = True) -> Status:
    """Return what the status card shows: GPUs, engine, servers, cache and the next step.

    Parameters
    ----------
    ended : bool
        Name the servers that have ended too.
    ask : bool
        Ask an engine that nobody has asked before, which takes about 10 s; else nothing is said of
        it, nor what to do next, and `engine_known` is False.
    """
    began = time.perf_counter()
    here = machine()
    known = ask or engine_is_known(here)
    environment = engine_for(here) if known else None
    views = tuple(own())
    others = tuple(shared())
    live = tuple(view for view in views if view.record.live)
    on_disk = cache.totals(models_on_disk())
    read_s = time.perf_counter() - began
    return Status(
        at=time.time(),
        read_s=read_s,
        user=config.user(),
        machine=here,
        engine=environment,
        engine_known=known,
        servers=(*(views if ended else live), *others),
        cache=on_disk if on_disk.models else None,
        next=planning.next_steps(here, environment, live) if known else (),
        asked=unanswered(),
    )


def _models_in_use() -> dict[str, str]:
    live = [view.record for view in own() if view.record.live]
    folders = ((_model_folder(record.plan), record.name) for record in live)
    return {str(folder): name for folder, name in folders if folder is not None}


def _model_folder(plan: Plan) -> Path | None:
    return cache.folder_in_use(plan.model_path, plan.env.get("HF_HUB_CACHE"))
