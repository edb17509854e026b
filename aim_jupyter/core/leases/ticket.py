"""A place in the line for devices: a file beside the leases, locked by who waits.

The lock says that somebody waits, the kernel's time of the file's last change says since when: no
user can set that one, and writing anything anew costs the place. Who is killed leaves the line with
that; who takes over for the same launch finds the file as it is, and has the old place again.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import msgspec
from msgspec import Struct

from aim_jupyter.core import users
from aim_jupyter.core.leases import folder, locks
from aim_jupyter.core.leases.holder import shown
from aim_jupyter.core.leases.lease import DEVICE, unusable
from aim_jupyter.core.records.kinds import resolved

# No dot: what has one is a lock file or a claim.
_LEAD = "ticket-"
_MOST_TEXT = 16384
_MOST_KEYS = 512
#: Of one user's so many are looked at: nobody can make the others' looks long.
MOST_OF_ONE = 64
_PATIENCE_S = 5.0
_FOR_EVER_S = 10 * 365 * 86400.0


class Ticket(Struct, frozen=True, kw_only=True):
    """Who waits for what.

    Attributes
    ----------
    name : str
        Of its file.
    uid, user : int, str
        Owner of the file as the kernel knows it.
    at : float
        Since when, seconds since the epoch (UTC).
    keys : tuple of str
        The devices of which `count` would do.
    most : int or None
        How many devices its user may hold at a time: its turn does not come before.
    lasts_s : float or None
        How long it will hold them at most, in seconds; None where it has set no end.
    server, model, until : str or None
        What it wrote about itself, for humans; `until` is when it gives up, as in ``18:00``.
    """

    name: str
    uid: int
    user: str
    at: float
    keys: tuple[str, ...]
    count: int
    most: int | None = None
    lasts_s: float | None = None
    server: str | None = None
    model: str | None = None
    until: str | None = None

    @property
    def words(self) -> str:
        """Who waits, as a sentence part: ``bob for llama-3.3-70b``."""
        return self.user + (f" for {self.server}" if self.server else "")


class Wish(Struct, frozen=True, kw_only=True):
    """What a ticket says. Anybody may have written anything: `_read` takes what may be.

    `launch` tells two launches apart that wish the same; the rest is as in `Ticket`.
    """

    keys: tuple[str, ...]
    count: int
    launch: str = ""
    most: int | None = None
    lasts_s: float | None = None
    server: str | None = None
    model: str | None = None
    until: str | None = None


_WISH = msgspec.json.Decoder(resolved(Wish))


@contextlib.contextmanager
def drawn(wish: Wish, owner: Path) -> Iterator[Ticket]:
    """Wait in the line inside the block, at the old place where this very launch had one.

    Parameters
    ----------
    owner : Path
        What tells this user's tickets apart: the server's folder.

    Raises
    ------
    StateUnusable
        If the folder of the leases can't be used.
    """
    with folder.opened(make=True) as place:
        assert place is not None  # noqa: S101 - made, or raised
        folder.wait_until_writable(place)
        try:
            handle, name = _locked(place, _name(owner))
            try:
                _write(handle, msgspec.json.encode(wish))
                own = _read(handle, name)
                assert own is not None  # noqa: S101 - just written
                yield own
            finally:
                # Away before it is unlocked: nobody meets a ticket that nobody holds.
                with contextlib.suppress(OSError):
                    os.unlink(name, dir_fd=place)
                os.close(handle)
        except OSError as error:
            raise unusable(error) from error


def supposed(wish: Wish) -> Ticket:
    """Return the ticket of somebody who comes just now and will not wait: the last in the line."""
    uid = os.geteuid()
    return Ticket(
        name="",
        uid=uid,
        user=users.name(uid),
        at=time.time(),
        keys=wish.keys,
        count=wish.count,
        most=wish.most,
        lasts_s=wish.lasts_s,
    )


def waiting() -> list[Ticket]:
    """Return the tickets of all who wait now, in the order in which they came.

    Raises
    ------
    StateUnusable
        If the folder is a link or could be emptied by anyone.
    """
    with folder.opened(make=False) as place:
        if place is None:
            return []
        lead = folder.prefix() + _LEAD
        found: list[Ticket] = []
        of_one: dict[int, int] = {}
        for name in sorted(os.listdir(place)):  # noqa: PTH208 - a descriptor
            ticket = _look(place, name) if name.startswith(lead) else None
            if ticket is not None and of_one.get(ticket.uid, 0) < MOST_OF_ONE:
                of_one[ticket.uid] = of_one.get(ticket.uid, 0) + 1
                found.append(ticket)
    return sorted(found, key=lambda ticket: (ticket.at, ticket.name))


def _name(owner: Path) -> str:
    mark = hashlib.sha256(os.fsencode(owner)).hexdigest()[:16]
    return f"{folder.prefix()}{_LEAD}{os.geteuid()}-{mark}"


def _locked(place: int, name: str) -> tuple[int, str]:
    """Open and lock a file of this user's own; a name that somebody else took is passed over."""
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end:
        with contextlib.suppress(locks.Busy):
            own = locks.own(place, name)
            if own is None:
                break
            return own
        time.sleep(0.01)  # others' looks at a lock are short collisions
    raise FileExistsError(0, "this launch waits already, or others have taken its names")


def _write(handle: int, text: bytes) -> None:
    # As it is, where it says the same: writing would cost the place.
    if os.pread(handle, _MOST_TEXT, 0) != text:
        os.pwrite(handle, text, 0)
        os.ftruncate(handle, len(text))


def _look(place: int, name: str) -> Ticket | None:
    handle = locks.open_to_look(place, name)
    if handle is None:
        return None
    try:
        return _read(handle, name) if locks.held(handle) else None
    finally:
        os.close(handle)


def _read(handle: int, name: str) -> Ticket | None:
    """Return what a ticket says, None where that is no wish that could be granted."""
    facts = os.fstat(handle)
    try:
        said = _WISH.decode(os.pread(handle, _MOST_TEXT, 0))
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    if not _sane(said.keys, said.count):
        return None
    lasts = said.lasts_s
    return Ticket(
        name=name,
        uid=facts.st_uid,
        user=users.name(facts.st_uid),
        at=min(facts.st_ctime, time.time()),
        keys=said.keys,
        count=said.count,
        most=said.most,
        lasts_s=lasts if lasts is not None and 0 < lasts < _FOR_EVER_S else None,
        server=shown(said.server),
        model=shown(said.model),
        until=shown(said.until),
    )


def _sane(keys: Sequence[str], count: int) -> bool:
    few = 0 < count <= len(keys) <= _MOST_KEYS and len(set(keys)) == len(keys)
    return few and all(DEVICE.fullmatch(key) for key in keys)
