"""A port of our own, without a race.

The kernel chooses a free port for a socket that binds to port 0. That socket is then kept bound,
not listening, with ``SO_REUSEADDR`` and ``SO_REUSEPORT`` set after the bind: no other chooser is
given the port, while the engine, which sets one or both on its own socket, can bind and listen
(vLLM 0.32, ``entrypoints/launchers/launcher.py``). Connections only ever reach a listening socket.
A program that insists on this very port can still take it while the engine imports; the engine
then fails to bind, and the supervisor tries another port.

A port that somebody asks for may have been an engine's a moment ago: the kernel keeps its closed
connections for a minute (``TIME_WAIT``), and without ``SO_REUSEADDR`` refuses the port meanwhile.
"""

from __future__ import annotations

import contextlib
import socket
from pathlib import Path

from aim_jupyter.core.errors import PortTaken

_TIME_WAIT = "06"
LOOPBACK = "127.0.0.1"


def reserve(port: int | None = None) -> tuple[socket.socket, int]:
    """Reserve `port`, or a free one, and return the socket that holds it and its number.

    Raises
    ------
    PortTaken
        If `port` was asked for and is in use.
    """
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if port and _only_closed(port):
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((LOOPBACK, port or 0))
    except (OSError, OverflowError) as error:
        holder.close()
        raise PortTaken(
            f"Port {port} can't be had: {getattr(error, 'strerror', None) or error}.",
            "leave out --port: a free one is chosen",
        ) from error
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    return holder, holder.getsockname()[1]


def _only_closed(port: int) -> bool:
    """Whether all that the kernel still knows of `port` are connections that are closed.

    Source of the columns: ``proc(5)``, ``/proc/net/tcp``: local address and state, in hexadecimal.
    """
    states = set()
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in Path("/proc/net", table).read_text().splitlines()[1:]:
                _, local, _, state, *_ = line.split()
                if int(local.rpartition(":")[2], 16) == port:
                    states.add(state)
    return states == {_TIME_WAIT}
