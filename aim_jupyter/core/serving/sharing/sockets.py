"""The folder of the sockets at which supervisors answer other users of the node.

It lies inside that of the leases: where the one is, the other is, made for all in the same way. A
socket can be removed by whoever owns its folder, but nobody can answer in another's name: both
sides ask the kernel who the other is (``SO_PEERCRED``).
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import stat
import struct
from collections.abc import Iterator
from pathlib import Path

from aim_jupyter.core.errors import StateUnusable
from aim_jupyter.core.leases import folder as leases

FOLDER = "share"
_PEER = struct.Struct("3i")


@contextlib.contextmanager
def opened(*, make: bool = False) -> Iterator[int]:
    """Open the folder for use with ``dir_fd``, made where it is absent and `make` says so.

    Raises
    ------
    StateUnusable
        If it is absent, is a link, or could be emptied by anyone.
    """
    place = leases.path() / FOLDER
    with leases.opened(make=make) as parent:
        try:
            handle = _open(parent, make=make)
        except OSError as error:
            raise StateUnusable(f"{place}: {error.strerror}.", _advice()) from error
        try:
            mode = os.fstat(handle).st_mode
            if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
                found = f"{place} is writable for all and not sticky: anyone could end a share."
                raise StateUnusable(found, f"chmod 1777 {place}")
            yield handle
        finally:
            os.close(handle)


def name_for(folder: Path) -> str:
    """Return the name of the socket for this user's server in `folder`."""
    digest = hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:12]
    return f"{lead(os.getuid())}{digest}"


def lead(uid: int) -> str:
    """Return what the names of a user's sockets begin with."""
    return f"{leases.prefix()}{uid}-"


def owned(place: int) -> Iterator[tuple[str, int]]:
    """Yield the sockets of this machine, each with its owner, whose it is named to be.

    Links to sockets are none, and what is named as another user's is left out.
    """
    lead_of_all = leases.prefix()
    for name in sorted(os.listdir(place)):
        if name.startswith(lead_of_all):
            with contextlib.suppress(OSError):
                facts = os.stat(name, dir_fd=place, follow_symlinks=False)
                if stat.S_ISSOCK(facts.st_mode) and name.startswith(lead(facts.st_uid)):
                    yield name, facts.st_uid


def is_socket(place: int, name: str) -> bool:
    """Whether a socket of that name is there, and no link to one."""
    try:
        return stat.S_ISSOCK(os.stat(name, dir_fd=place, follow_symlinks=False).st_mode)
    except OSError:
        return False


def address(place: int, name: str) -> str:
    """Return what to bind or connect to: a path may be too long for a socket's address."""
    return f"/proc/self/fd/{place}/{name}"


def peer(connection: socket.socket) -> int:
    """Return the uid of the other side; of one who listens, as it was when it began to."""
    said = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)
    uid: int = _PEER.unpack(said)[1]
    return uid


def _open(parent: int | None, *, make: bool) -> int:
    if parent is None:
        raise FileNotFoundError(0, "nothing is shared on this node")
    made = False
    if make:
        with contextlib.suppress(FileExistsError):
            os.mkdir(FOLDER, leases.SHARED, dir_fd=parent)
            made = True
    flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
    handle = os.open(FOLDER, flags, dir_fd=parent)
    if made:
        os.fchmod(handle, leases.SHARED)  # mkdir took the umask off
    return handle


def _advice() -> str:
    return f"ask an administrator for: sudo install -d -m 1777 {leases.path() / FOLDER}"
