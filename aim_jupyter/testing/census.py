"""All processes of one run, found by a mark in their environment: also those that nobody knows."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal, NamedTuple

Role = Literal["kernel", "supervisor", "keeper", "api", "worker", "other"]
MARK = "AIM_CHAOS_RUN"


class Seen(NamedTuple):
    """A living process: its pid, what it is, and of which server."""

    pid: int
    role: Role
    server: str


def census(run: str) -> list[Seen]:
    """Return the living processes whose environment says that they belong to `run`."""
    mark = f"{MARK}={run}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if mark in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(_seen(entry))
            except OSError:
                # It has ended meanwhile. A zombie has no environment, and is dead.
                continue
    return sorted(found)


def _seen(entry: Path) -> Seen:
    words = (entry / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    line = " ".join(words)
    folder = Path(os.readlink(entry / "cwd"))  # noqa: PTH115 - the text alone
    role: Role = "worker"
    server = folder.name.removesuffix(" (deleted)")
    if "aim_jupyter.testing.kernel" in line:
        role, server = "kernel", ""
    elif "aim_jupyter.core.serving" in words:
        role = "supervisor"
        server = Path(words[words.index("aim_jupyter.core.serving") + 1]).name
    elif "aim_host" in line and folder.parent.name != "servers":
        # Belongs to no server, and ends by itself: see `serving.warm`.
        role, server = "other", ""
    elif "serving/keeper.py" in line:
        role = "keeper"
    elif "vllm.entrypoints" in line:
        role = "api"
    elif folder.parent.name != "servers":
        role, server = "other", ""
    return Seen(int(entry.name), role, server)
