"""The folder of the lock files: one for all users of a node, chosen the same way by everyone."""

from __future__ import annotations

import contextlib
import hashlib
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

from aim_jupyter.core import config, users
from aim_jupyter.core.errors import StateUnusable

VARIABLE = "AIM_LEASE_DIR"
SHARED = 0o1777
_RUN = Path("/run/lock")
_NAME = "aim-gpu"
_ADVICE = "ask an administrator for: sudo install -d -o root -g root -m 1777 /run/lock/aim-gpu"
_SETTLE_S = 0.2


def path() -> Path:
    """Return the folder: ``AIM_LEASE_DIR``, else ``/run/lock/aim-gpu``, else ``/tmp/aim-gpu``.

    The choice depends on the node alone, never on who asks: users in two folders would not see
    each other. Hence not ``TMPDIR``, and ``/run/lock`` only where everyone may write there.
    """
    if chosen := os.environ.get(VARIABLE):
        return Path(chosen).expanduser()
    folder = _RUN / _NAME
    return folder if folder.is_dir() or _open_to_all(_RUN) else Path("/tmp") / _NAME  # noqa: S108


def prefix() -> str:
    """Return what file names begin with: nothing, or a mark of the captured machine in use.

    Two notebooks on one ``AIM_SYS_ROOT`` share leases, and never collide with the real GPUs.
    """
    root = config.sys_root()
    if root == Path("/"):
        return ""
    return hashlib.sha256(os.fsencode(root.resolve())).hexdigest()[:8] + "~"


@contextlib.contextmanager
def opened(*, make: bool) -> Iterator[int | None]:
    """Open the folder for use with ``dir_fd``; None where it is absent and `make` is false.

    Raises
    ------
    StateUnusable
        If it is a link, can't be made, belongs to another user, or could be emptied by anyone.
    """
    place = path()
    try:
        handle = _open(place, make=make)
    except FileNotFoundError:
        if make:
            raise StateUnusable(f"{place} could not be made.", _advice()) from None
        yield None
        return
    except OSError as error:
        # Not `Path.is_symlink`: that raises below a folder that is closed.
        if os.path.islink(place):  # noqa: PTH114
            advice = f"ask an administrator for: sudo rm {place} && {repair()}"
            raise StateUnusable(f"{place}: is a link or no folder.", advice) from error
        raise StateUnusable(f"{place}: {error.strerror}.", _advice()) from error
    try:
        _check(place, handle)
        yield handle
    finally:
        os.close(handle)


def repair() -> str:
    """Return the line with which an administrator makes the folder everybody's."""
    return f"sudo install -d -o root -g root -m 1777 {path()}"


def _open(place: Path, *, make: bool) -> int:
    made = False
    if make:
        with contextlib.suppress(FileExistsError):
            place.mkdir(mode=SHARED)
            made = True
    handle = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    facts = os.fstat(handle)
    ours = facts.st_uid == os.geteuid()
    if make and ours and (made or not os.environ.get(VARIABLE)):
        os.fchmod(handle, SHARED)  # mkdir took the umask off
    return handle


def _check(place: Path, handle: int) -> None:
    facts = os.fstat(handle)
    if facts.st_uid not in (0, os.geteuid()):
        # Whoever owns a sticky folder can remove and replace all that is in it.
        raise StateUnusable(
            f"{place} belongs to {users.name(facts.st_uid)}, who could take over any lease in it.",
            f"ask an administrator for: {repair()}",
        )
    if facts.st_mode & stat.S_IWOTH and not facts.st_mode & stat.S_ISVTX:
        raise StateUnusable(
            f"{place} is writable for all and not sticky: anyone could remove a lease.",
            f"chmod 1777 {place}",
        )


def wait_until_writable(handle: int) -> None:
    """Give another user, who has made the folder just now, the moment to open it to all."""
    end = time.monotonic() + _SETTLE_S
    while not os.access(".", os.W_OK, dir_fd=handle) and time.monotonic() < end:
        time.sleep(0.01)


def _open_to_all(place: Path) -> bool:
    try:
        mode = place.stat().st_mode
    except OSError:
        return False
    return bool(mode & stat.S_ISVTX and mode & stat.S_IWOTH)


def _advice() -> str:
    return f"set {VARIABLE} to another folder" if os.environ.get(VARIABLE) else _ADVICE
