"""Where the sockets of a server lie: that on which it listens, and those of its own processes.

vLLM's processes meet at sockets that it makes in the temporary folder and leaves there, three a
start, however it ends (seen in 0.32). They get a folder of their own, which goes with the engine:
in the temporary folder too, because the path of a server may be too long for the address of a
socket (107 bytes).
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path

from aim_jupyter.core.records import Plan
from aim_jupyter.core.serving import doors

_MOST = 107  # bytes of a socket's address, unix(7)
_NAME = 37  # a slash and a UUID


def listening(folder: Path) -> Path:
    """Return where a server listens that listens on a socket file."""
    return folder / "engine.sock"


def of(plan: Plan, folder: Path) -> str:
    """Return the file on which a plan's server listens, empty for one that has a port."""
    return str(listening(folder)) if plan.listen == "unix" else ""


def meeting(folder: Path) -> Path:
    """Return the folder in which the processes of a server's engine meet."""
    return Path(tempfile.gettempdir()) / f"aim-{doors.name_for(folder)}"


def make(folder: Path) -> Path | None:
    """Make the folder in which an engine's processes meet, empty and closed to others.

    None where a name in it would be too long for a socket, or somebody else has taken its own: then
    they meet where they always do.
    """
    place = meeting(folder)
    if len(os.fsencode(place)) + _NAME > _MOST:
        return None
    clear(folder)
    try:
        place.mkdir(mode=0o700)
    except OSError:
        return None
    return place


def clear(folder: Path) -> None:
    """Remove the folder in which an engine's processes met, if it is this user's."""
    place = meeting(folder)
    try:
        found = place.lstat()
    except OSError:
        return
    if stat.S_ISDIR(found.st_mode) and found.st_uid == os.getuid():
        shutil.rmtree(place, ignore_errors=True)
