"""The supervisor as a program: ``python -m aim_jupyter.core.serving FOLDER [LOCK]``.

`LOCK` is the descriptor of the folder's lock, taken by whoever starts this (`lock`). The first
process leaves at once, so that whoever launched has no child to look after; the second lives in a
session of its own. The first one's exit code says whether the second has taken charge.

Without a lock it is the command of a site's job: it takes charge itself and stays where it is, so
that the site's signals are its own and the job lasts as long as it does.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from aim_jupyter.core.serving.jobs import within
from aim_jupyter.core.serving.state import lock
from aim_jupyter.core.serving.state.folder import ServerFolder
from aim_jupyter.core.serving.supervisor.supervisor import Supervisor


def main(folder: str, held: str = "") -> int:
    """Take charge of the server in `folder`, and stay until it has ended."""
    return _detached(folder, held) if held else _in_job(ServerFolder(Path(folder)))


def _in_job(folder: ServerFolder) -> int:
    handle = within.begin(folder)
    if handle is None:
        return 0
    supervisor = Supervisor(folder, handle)
    supervisor.announce()
    supervisor.run()
    return 0 if supervisor.record.state == "stopped" else 1


def _detached(folder: str, held: str) -> int:
    handle = int(held)
    os.set_inheritable(handle, False)  # noqa: FBT003 - positional by definition
    reader, writer = os.pipe()
    if os.fork():
        os.close(writer)
        return 0 if os.read(reader, 1) == b"." else 1
    os.close(reader)
    os.setsid()
    if not lock.belongs(handle, Path(folder)):
        return 1
    supervisor = Supervisor(ServerFolder(Path(folder)), handle)
    supervisor.announce()
    os.write(writer, b".")
    os.close(writer)
    supervisor.run()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
