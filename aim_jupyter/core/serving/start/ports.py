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
from collections.abc import Iterator
from pathlib import Path

from aim_jupyter.core import users
from aim_jupyter.core.errors import PortTaken
from aim_jupyter.core.records import Plan

_TIME_WAIT, _LISTEN = "06", "0A"
LOOPBACK = "127.0.0.1"


def reserve(port: int | None = None, listen: str = "loopback") -> tuple[socket.socket, int]:
    """Reserve `port`, or a free one, and return the socket that holds it and its number.

    Parameters
    ----------
    listen : str
        As `Plan.listen`. A socket file needs no port: the number is then 0.

    Raises
    ------
    PortTaken
        If `port` was asked for and is in use.
    """
    if listen == "unix":
        return socket.socket(socket.AF_UNIX), 0
    holder = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        if port and _only_closed(port):
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holder.bind((host(listen), port or 0))
    except (OSError, OverflowError) as error:
        holder.close()
        where = f"Port {port}" if listen == "loopback" else f"Port {port or 'any'} at {listen}"
        raise PortTaken(
            f"{where} can't be had: {getattr(error, 'strerror', None) or error}.",
            "leave out --port: a free one is chosen",
        ) from error
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    return holder, holder.getsockname()[1]


def host(listen: str) -> str:
    """Return the address to bind to, for every `Plan.listen` but ``unix``."""
    return LOOPBACK if listen == "loopback" else listen


def listener(port: int) -> str | None:
    """Return who listens on `port`, as a sentence part; None where nobody does.

    Anybody may read whose a socket is, only its owner which process has it.
    """
    for state, uid, inode in _sockets(port):
        if state == _LISTEN:
            pid = _owner(inode)
            return (
                f"{users.name(uid)}'s process {pid}" if pid else f"a process of {users.name(uid)}"
            )
    return None


@contextlib.contextmanager
def held_again(plan: Plan, before: int | None) -> Iterator[int]:
    """Hold the port that a plan asks for, else that of before, which clients know, else a free one.

    Raises
    ------
    PortTaken
        If `plan.port` was asked for and is in use.
    """
    found = None
    if plan.port is None and before is not None:
        with contextlib.suppress(PortTaken):
            found = reserve(before, plan.listen)
    holder, port = found or reserve(plan.port, plan.listen)
    with holder:
        yield port


def _only_closed(port: int) -> bool:
    """Whether all that the kernel still knows of `port` are connections that are closed."""
    return {state for state, _, _ in _sockets(port)} == {_TIME_WAIT}


def _sockets(port: int) -> Iterator[tuple[str, int, str]]:
    """Yield state, owner and inode of the kernel's sockets on a local port.

    Source of the columns: ``proc(5)``, ``/proc/net/tcp``: local address and state in hexadecimal,
    then, after the queues and timers, the user and two more before the inode.
    """
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in Path("/proc/net", table).read_text().splitlines()[1:]:
                _, local, _, state, _, _, _, uid, _, inode, *_ = line.split()
                if int(local.rpartition(":")[2], 16) == port:
                    yield state, int(uid), inode


def _owner(inode: str) -> int | None:
    wanted = f"socket:[{inode}]"
    for fd in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if str(fd.readlink()) == wanted:
                return int(fd.parts[2])
    return None
