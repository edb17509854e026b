"""A run in a process of its own: ``python -m aim_jupyter.work RUN``.

It outlives the kernel that has begun it; what it is told it reads from the run's folder.
"""

from __future__ import annotations

import os
import signal
import sys

from msgspec.structs import replace

from aim_jupyter.core.errors import AimError
from aim_jupyter.work import runs
from aim_jupyter.work.map import endpoints
from aim_jupyter.work.map.running import Running
from aim_jupyter.work.map.schemas import Schema
from aim_jupyter.work.records import MapRun


def main(words: list[str]) -> int:
    """Work on a run until it is done, or somebody asks it to stop."""
    name, *options = words
    folder = runs.find(name)
    with folder.held() as held:
        if not held:
            return 0
        if os.fork():
            # Whoever has begun it waits for this alone; the other one has the lock, and goes on.
            os._exit(0)
        os.setsid()
        run = folder.read_as(MapRun)
        schema = Schema(list(run.question.choices) or run.question.schema)
        try:
            places = endpoints.named(run.servers, launch="--launch" in options)
            running = Running(folder, places, schema, force="--force" in options)
            signal.signal(signal.SIGTERM, lambda *_: running.stop())
            signal.signal(signal.SIGINT, lambda *_: running.stop())
            running.work()
        except AimError as error:
            folder.write(replace(folder.read_as(MapRun), reason=error.found))
            print("\n".join(error.lines), flush=True)  # noqa: T201 - its log
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
