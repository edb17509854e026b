"""With whom a server is shared: what its owner has said, and the keys that were given out.

Each who may use a server gets a key of their own, which the owner can take back; the owner's key
is never given out. Two files of the server's folder, both 0600, carry it: ``shares.json``, and
``guests`` with the hashes of the keys that are good. The engine's guard reads the latter anew when
it changes, so a key that is taken back opens nothing from then on.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import secrets
import time
from collections.abc import Callable

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from aim_jupyter.core import files
from aim_jupyter.core.errors import BadUsage, StateUnusable, UnknownName
from aim_jupyter.core.records.kinds import resolved
from aim_jupyter.core.serving.sharing import sockets
from aim_jupyter.core.serving.state.folder import ServerFolder

#: Stands for all users of the node where one's name would.
EVERYONE = "*"
#: Seconds until a supervisor has taken notice; it looks up at least once a second.
_NOTICE_S = 10.0


class Shares(Struct, frozen=True, kw_only=True):
    """What ``shares.json`` holds: users by uid, and each one's key once it was fetched."""

    version: int = 1
    everyone: bool = False
    users: dict[int, str] = {}
    keys: dict[int, str] = {}

    @property
    def any(self) -> bool:
        """Whether anybody may use the server."""
        return self.everyone or bool(self.users)

    def allows(self, uid: int) -> bool:
        """Whether this user may."""
        return self.everyone or uid in self.users


class Share(Struct, frozen=True, kw_only=True):
    """One share: a user, or ``*`` for all of the node, and whether a key was fetched."""

    user: str
    attached: bool


_SHARES = msgspec.json.Decoder(resolved(Shares))


def read(folder: ServerFolder) -> Shares:
    """Return what is written of a server's shares; none where that can't be read."""
    with contextlib.suppress(*files.UNREADABLE):
        return _SHARES.decode((folder.path / "shares.json").read_bytes())
    return Shares()


def listed(folder: ServerFolder) -> list[Share]:
    """Return the shares: all users first, then by name."""
    now = read(folder)
    by_name = sorted(now.users.items(), key=lambda item: item[1])
    named = [Share(user=name, attached=uid in now.keys) for uid, name in by_name]
    if not now.everyone:
        return named
    return [Share(user=EVERYONE, attached=bool(now.keys.keys() - now.users.keys())), *named]


def add(folder: ServerFolder, user: str) -> list[Share]:
    """Share with a user of the node, or with all of them, and return all shares.

    Raises
    ------
    UnknownName
        If the node knows no such user.
    BadUsage
        If it is the owner.
    StateUnusable
        If it can't be written, or no supervisor takes notice.
    """
    if user == EVERYONE:
        _change(folder, lambda now: replace(now, everyone=True))
    else:
        uid = _uid(user)
        if uid == os.getuid():
            raise BadUsage(f"{folder.name!r} is your own.", "name another user")
        _change(folder, lambda now: replace(now, users={**now.users, uid: user}))
    _wait_for_door(folder)
    return listed(folder)


def revoke(folder: ServerFolder, user: str) -> list[Share]:
    """Take one share back, or all of them with ``*``, and return what is left.

    Raises
    ------
    BadUsage
        If it is not shared with that user by name.
    """
    if user == EVERYONE:
        _change(folder, lambda _: Shares())
        return []
    now = read(folder)
    uid = next((uid for uid, name in now.users.items() if name == user), None)
    if uid is None and now.everyone:
        found = f"{folder.name!r} is shared with all users, not with {user} by name."
        raise BadUsage(found, f"%aim share {folder.name} --all --revoke")
    if uid is None:
        found = f"{folder.name!r} is not shared with {user}."
        raise BadUsage(found, f"%aim share {folder.name}")
    _change(folder, lambda now: _without(now, uid))
    return listed(folder)


def key_for(folder: ServerFolder, uid: int) -> str | None:
    """Return a user's key, drawn where there is none yet; None for one who may not have it.

    Raises
    ------
    StateUnusable
        If it can't be written: then the guard would not know it.
    """
    known = read(folder)
    if not known.allows(uid):
        return None
    if uid not in known.keys:
        known = _change(folder, lambda now: _with_key(now, uid))
    return known.keys.get(uid)


def _with_key(now: Shares, uid: int) -> Shares:
    if uid in now.keys or not now.allows(uid):
        return now
    return replace(now, keys={**now.keys, uid: secrets.token_urlsafe(32)})


def _without(now: Shares, uid: int) -> Shares:
    return replace(
        now,
        users={each: name for each, name in now.users.items() if each != uid},
        keys={each: key for each, key in now.keys.items() if each != uid},
    )


def _change(folder: ServerFolder, change: Callable[[Shares], Shares]) -> Shares:
    """Write changed shares; what the guard goes by comes first, so that nothing is open longer."""
    with files.locked(folder.path / "shares.lock"):
        now = change(read(folder))
        hashes = sorted(hashlib.sha256(key.encode()).hexdigest() for key in now.keys.values())
        files.write_atomic(folder.path / "guests", "\n".join(hashes).encode())
        files.write_atomic(folder.path / "shares.json", msgspec.json.encode(now))
    return now


def _uid(user: str) -> int:
    try:
        return pwd.getpwnam(user).pw_uid
    except (KeyError, ValueError, UnicodeError):
        known = [entry.pw_name for entry in pwd.getpwall()]
        raise UnknownName("user of this node", user, known, "getent passwd") from None


def _wait_for_door(folder: ServerFolder) -> None:
    end = time.monotonic() + _NOTICE_S
    door = sockets.name_for(folder.path)
    while time.monotonic() < end:
        with sockets.opened(make=True) as place:
            if sockets.is_socket(place, door):
                return
        time.sleep(0.05)
    raise StateUnusable(
        f"The supervisor of {folder.name!r} does not answer other users.",
        f"look into {folder.path / 'events.jsonl'}",
    )
