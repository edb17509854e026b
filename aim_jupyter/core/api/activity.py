"""What servers do and did: metrics, their history, events, and the whole at a glance."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator

from msgspec.structs import replace

from aim_jupyter.core import config, serving
from aim_jupyter.core import metrics as measured
from aim_jupyter.core.api.finding import server, servers
from aim_jupyter.core.api.lifecycle import attach
from aim_jupyter.core.api.site import machine
from aim_jupyter.core.defaults import WINDOW_S
from aim_jupyter.core.errors import ServerGone
from aim_jupyter.core.events import Event
from aim_jupyter.core.metrics import Columns
from aim_jupyter.core.records import Exported, Sample, ServerView, Top, Usage
from aim_jupyter.core.serving import ServerFolder

#: How many points a plot has at most.
PLOT_POINTS = 300
#: Of `%aim top`: seconds between two samples, that each looks back, and that are shown.
TOP_EVERY_S, TOP_WINDOW_S, TOP_PAST_S = 2.0, 10.0, 120.0


def metrics(name: str | None = None, *, window_s: float = WINDOW_S) -> list[ServerView]:
    """Return the running servers, or the one named, with their figures now.

    Parameters
    ----------
    window_s : float
        Seconds that rates and quantiles look back.

    Raises
    ------
    ServerGone
        If the one that is named has ended.
    """
    if name is not None:
        return [serving.view(attach(name), window_s=window_s)]
    views = servers(window_s=window_s)
    return [view for view in views if view.record.state == "running"]


def history(
    name: str | None = None,
    seconds: float = 300.0,
    *,
    every_s: float | None = None,
    window_s: float | None = None,
) -> list[Sample]:
    """Return what a server did in the last `seconds`, oldest first; also of one that has ended.

    The last hour is there by the second, 25 hours by ten, 31 days by five minutes: the finest that
    reaches back far enough is read.

    Parameters
    ----------
    every_s : float, optional
        Seconds between two samples; else as they were taken.
    window_s : float, optional
        Seconds that the rates and quantiles of each look back; else to the sample before.
    """
    folder = server(name)
    since = _end(folder) - seconds
    return measured.samples(folder.path, since, every_s=every_s, window_s=window_s)


def history_columns(name: str | None = None, seconds: float = 300.0) -> Columns:
    """Return the same as columns, as it was sampled: a day takes milliseconds."""
    folder = server(name)
    return measured.columns(folder.path, _end(folder) - seconds)


def usage(name: str | None = None, days: int = 31) -> list[Usage]:
    """Return what each of this user's servers did on each day, or the one named; newest day first.

    Also of those that have ended, until they are forgotten.

    Parameters
    ----------
    days : int
        So far back, 31 at most: no history reaches further.
    """
    since = time.time() - 86400.0 * days
    folders = serving.folders() if name is None else [serving.find(name)]
    found: list[Usage] = []
    for folder in folders:
        # One that can't be read is named by the doctor, and hides no other.
        with contextlib.suppress(ServerGone):
            plan = serving.current(folder).plan
            past = measured.columns(folder.path, since)
            gpus = len(plan.gpus)
            found += measured.daily(past, server=folder.name, model=plan.model, gpus=gpus)
    return sorted(found, key=lambda one: (one.day, one.server), reverse=True)


def plotted(name: str | None = None, seconds: float = 600.0) -> list[Sample]:
    """Return what a server did in the last `seconds` at even steps, as a figure can show it.

    Rates and quantiles look back over two steps, and over ten seconds at least: the figures of
    single seconds jump between nothing and much.
    """
    every_s = max(1.0, seconds / PLOT_POINTS)
    window_s = max(TOP_WINDOW_S, 2 * every_s)
    return history(name, seconds, every_s=every_s, window_s=window_s)


def exported(name: str | None = None) -> list[Exported]:
    """Return everything that the engines export, of all running servers or of the one named.

    Raises
    ------
    ServerGone
        If the one that is named has ended, or does not answer.
    """
    texts = {view.record.name: exposition(view.record.name) for view in metrics(name)}
    if name is not None and not texts[name]:
        raise ServerGone(f"The engine of {name!r} exports nothing.", f"%aim events {name}")
    return [row for server, text in texts.items() for row in measured.exported(text, server)]


def exposition(name: str | None = None) -> str:
    """Return the text that the engine of a live server exports; empty without an answer."""
    folder = attach(name)
    return serving.exposition(folder, serving.reach(folder))


def events(name: str | None = None) -> list[Event]:
    """Return what happened to all servers, or to the one named, in the order of time."""
    folders = serving.folders() if name is None else [serving.find(name)]
    return sorted(
        (event for folder in folders for event in folder.events.read()),
        key=lambda event: event.at,
    )


def follow_events(name: str | None = None) -> Iterator[Event]:
    """Yield what happened, then what happens: to a server until it ends, to all without end."""
    return serving.follow_events(None if name is None else serving.find(name))


def top() -> Top:
    """Return what every live server and every GPU does now, and the servers' last two minutes."""
    at = time.time()
    history = {}
    views = []
    for view in servers():
        if not view.record.live:
            continue
        if view.shared_by is not None:
            # Somebody else's: what it does is shown, its past is theirs.
            views.append(view)
            continue
        past = measured.samples(
            serving.find(view.record.name).path,
            at - TOP_PAST_S,
            every_s=TOP_EVERY_S,
            window_s=TOP_WINDOW_S,
        )
        history[view.record.name] = tuple(past)
        views.append(replace(view, sample=past[-1] if view.sample and past else None))
    return Top(at=at, machine=machine(), user=config.user(), servers=tuple(views), history=history)


def _end(folder: ServerFolder) -> float:
    """Return the time up to which there is a history: now, or when the server ended."""
    return serving.current(folder).ended_at or time.time()
