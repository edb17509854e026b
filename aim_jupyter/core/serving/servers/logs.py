"""A server's log, and what happens to servers, while it grows."""

from __future__ import annotations

import time
from collections.abc import Iterator

from aim_jupyter.core import files
from aim_jupyter.core.errors import NotOwner, ServerGone
from aim_jupyter.core.events import Event
from aim_jupyter.core.harmless import harmless
from aim_jupyter.core.serving.servers.recovery import current
from aim_jupyter.core.serving.state.folder import ServerFolder, folders
from aim_jupyter.core.serving.watch.stages import LogReader

TICK_S = 0.3


def tail(folder: ServerFolder, lines: int) -> list[str]:
    """Return the last lines of the engine's log, as they may be shown.

    Raises
    ------
    NotOwner
        If another user shares the server with this one: logs may show what others asked.
    """
    if folder.owner is not None:
        found = f"The log of {folder.name!r} stays with {folder.owner}."
        raise NotOwner(found, f"ask {folder.owner}")
    return list(map(harmless, files.tail(folder.log, lines)))


def follow(folder: ServerFolder, lines: int = 10) -> Iterator[str]:
    """Yield the last `lines` lines, then new ones as they come, until the server has ended."""
    reader = LogReader(folder.log)
    reader.skip()
    yield from tail(folder, lines)
    while True:
        yield from map(harmless, reader.new_lines())
        if not current(folder).live:
            yield from map(harmless, reader.new_lines())
            return
        time.sleep(TICK_S)


def follow_events(folder: ServerFolder | None = None) -> Iterator[Event]:
    """Yield what happened in the order of time, then what happens.

    Parameters
    ----------
    folder : ServerFolder, optional
        Of the server; it ends with it. Else all servers, and it does not end.
    """
    told: dict[str, int] = {}
    while True:
        live = folder is None or _lives(folder)
        fresh: list[Event] = []
        for each in [folder] if folder else folders():
            found = each.events.read()
            # Fewer than before: a new server has taken the place of an ended one.
            begun = told.get(each.name, 0) if told.get(each.name, 0) <= len(found) else 0
            fresh += found[begun:]
            told[each.name] = len(found)
        yield from sorted(fresh, key=lambda event: event.at)
        if not live:
            return
        time.sleep(TICK_S)


def _lives(folder: ServerFolder) -> bool:
    try:
        return current(folder).live
    except ServerGone:
        return False
