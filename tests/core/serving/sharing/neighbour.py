"""A neighbour's sockets that never answer, or without an end: run as that user."""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import threading
from pathlib import Path


def flood(listener: socket.socket) -> None:
    """Answer the first who comes without an end."""
    while True:
        caller, _ = listener.accept()
        with contextlib.suppress(OSError), caller:
            while True:
                caller.sendall(b"x")


def put_up(place: str, names: list[str]) -> list[socket.socket]:
    """Listen under each of these names: some take no call, some answer without an end."""
    held = []
    for number, name in enumerate(names):
        held.append(socket.socket(socket.AF_UNIX))
        path = Path(place, name)
        held[-1].bind(str(path))
        path.chmod(0o666)
        held[-1].listen(0 if number % 2 else 50)
        if number % 5 == 0:
            threading.Thread(target=flood, args=[held[-1]], daemon=True).start()
    return held


if __name__ == "__main__":
    lead, count = sys.argv[2], int(sys.argv[3])
    kept = put_up(sys.argv[1], [f"{lead}{os.getuid()}-{number:012x}" for number in range(count)])
    # And as many in the names of users that come before all others.
    kept += put_up(sys.argv[1], [f"{lead}0-{number:012x}" for number in range(count)])
    print(len(kept), flush=True)  # noqa: T201 - a program
    threading.Event().wait()
