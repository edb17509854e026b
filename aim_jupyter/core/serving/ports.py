"""A port of our own, without a race.

The kernel chooses a free port for a socket that binds to port 0. That socket is then kept bound,
not listening, with ``SO_REUSEADDR`` and ``SO_REUSEPORT`` set after the bind: no other chooser is
given the port, while the engine, which sets one or both on its own socket, can bind and listen
(vLLM 0.32, ``entrypoints/launchers/launcher.py``). Connections only ever reach a listening socket.
A program that insists on this very port can still take it while the engine imports; the engine
then fails to bind, and the supervisor tries another port.
"""

from __future__ import annotations

import socket

from aim_jupyter.core.errors import PortTaken

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
