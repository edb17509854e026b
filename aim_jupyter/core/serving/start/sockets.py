"""Where the sockets of a server lie: that on which it listens, and those of its own processes.

vLLM's processes meet at sockets that it makes in the temporary folder and leaves there, three a
start, however it ends (seen in 0.32). They get a folder of their own, which goes with the engine:
in the temporary folder too, or in a short one beside it, because the path of a server may be too
long for the address of a socket (107 bytes).
"""

from __future__ import annotations

import os
import shutil
import stat
import tempfile
from pathlib import Path

from aim_jupyter.core.records import Plan
from aim_jupyter.core.serving.sharing import sockets as shared_sockets

_MOST = 107  # bytes of a socket's address, unix(7)
_NAME = 37  # a slash and a UUID
_SHORT = ("/tmp", f"/run/user/{os.getuid()}", "/dev/shm")  # noqa: S108 - the folder in it is closed


def listening(plan: Plan, folder: Path) -> Path:
    """Return where a server listens that listens on a socket file.

    On a node of its own at a site: the server's folder is on a disk that others share.
    """
    return (meeting(folder) if plan.on else folder) / "engine.sock"


def of(plan: Plan, folder: Path) -> str:
    """Return the file on which a plan's server listens, empty for one that has a port."""
    return str(listening(plan, folder)) if plan.listen == "unix" else ""


def meeting(folder: Path) -> Path:
    """Return the folder in which the processes of a server's engine meet.

    In the temporary folder, or where its name is too long (as on clusters) in a short one.
    """
    name = f"aim-{shared_sockets.name_for(folder)}"
    places = [Path(root) / name for root in (tempfile.gettempdir(), *_SHORT) if _usable(root)]
    return next(filter(_is_short, places), Path(tempfile.gettempdir()) / name)


def _usable(root: str) -> bool:
    return os.access(root, os.W_OK | os.X_OK)


def _is_short(place: Path) -> bool:
    return len(os.fsencode(place)) + _NAME <= _MOST


def make(folder: Path) -> Path | None:
    """Make the folder in which an engine's processes meet, empty and closed to others.

    None where a name in it would be too long for a socket, or somebody else has taken its own: then
    they meet where they always do.
    """
    place = meeting(folder)
    if not _is_short(place):
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
