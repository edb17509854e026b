"""A server's log while it grows."""

from __future__ import annotations

import time
from collections.abc import Iterator

from aim_jupyter.core import files
from aim_jupyter.core.serving.folder import ServerFolder
from aim_jupyter.core.serving.recovery import current
from aim_jupyter.core.serving.stages import LogReader

TICK_S = 0.3


def follow(folder: ServerFolder, lines: int = 10) -> Iterator[str]:
    """Yield the last `lines` lines, then new ones as they come, until the server has ended."""
    reader = LogReader(folder.log)
    reader.skip()
    yield from files.tail(folder.log, lines)
    while True:
        yield from reader.new_lines()
        if not current(folder).live:
            yield from reader.new_lines()
            return
        time.sleep(TICK_S)
