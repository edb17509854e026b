"""A server's log while it grows."""

from __future__ import annotations

import time
from collections.abc import Iterator

from aim_jupyter.core import files
from aim_jupyter.core.errors import NotOwner
from aim_jupyter.core.serving.folder import ServerFolder
from aim_jupyter.core.serving.recovery import current
from aim_jupyter.core.serving.stages import LogReader

TICK_S = 0.3


def tail(folder: ServerFolder, lines: int) -> list[str]:
    """Return the last lines of the engine's log.

    Raises
    ------
    NotOwner
        If another user shares the server with this one: logs may show what others asked.
    """
    if folder.owner is not None:
        found = f"The log of {folder.name!r} stays with {folder.owner}."
        raise NotOwner(found, f"ask {folder.owner}")
    return files.tail(folder.log, lines)


def follow(folder: ServerFolder, lines: int = 10) -> Iterator[str]:
    """Yield the last `lines` lines, then new ones as they come, until the server has ended."""
    reader = LogReader(folder.log)
    reader.skip()
    yield from tail(folder, lines)
    while True:
        yield from reader.new_lines()
        if not current(folder).live:
            yield from reader.new_lines()
            return
        time.sleep(TICK_S)
