"""Servers of others that this user may use."""

from __future__ import annotations

import contextlib
import os
import pwd
import re
import socket
import time
from pathlib import Path

import msgspec
from msgspec.structs import replace

from aim_jupyter.core.errors import BadUsage, ServerGone, StateUnusable, UnknownName
from aim_jupyter.core.records import ServerRecord
from aim_jupyter.core.records.kinds import resolved
from aim_jupyter.core.serving import doors, folder
from aim_jupyter.core.serving.desk import Offer
from aim_jupyter.core.serving.folder import ServerFolder, check_name

#: Seconds that one socket may take to answer; its supervisor looks up at once when it is called.
_ANSWER_S = 2.0
_MOST_BYTES = 1 << 18

_OFFER = msgspec.json.Decoder(resolved(Offer))


class SharedServer(ServerFolder):
    """A server of somebody else, called ``server@owner``; each look asks the owner's supervisor.

    Parameters
    ----------
    door : str
        The name of its socket.
    owner : str
        Who listens there, as the kernel knows it.
    offer : Offer
        What was answered just now; good for the first look.
    """

    def __init__(self, door: str, owner: str, offer: Offer) -> None:
        # No such folder exists for us: logs, events and history stay with the owner.
        super().__init__(Path(f"/nonexistent/{offer.record.name}@{owner}"))
        self.owner = owner
        self._door = door
        self._offer: Offer | None = offer

    def read(self) -> ServerRecord:
        """Return the record as its owner's supervisor tells it now.

        Raises
        ------
        ServerGone
            If it has ended, or is not shared any more.
        """
        record = self._ask().record
        said = record.reason or f"shared by {self.owner}"
        plan = replace(record.plan, server=self.name)
        return replace(record, name=self.name, plan=plan, reason=said)

    def key(self) -> str:
        """Return this user's own key of the server."""
        return self._ask().key

    def _ask(self) -> Offer:
        offer, self._offer = self._offer, None
        if offer is None:
            with contextlib.suppress(StateUnusable), doors.opened() as place:
                answered = _ask(place, self._door)
                offer = answered[1] if answered and answered[0] == self.owner else None
        if offer is None:
            raise ServerGone(
                f"Server {self.name!r} has ended, or {self.owner} does not share it any more.",
                "%aim ps lists the servers",
            )
        return offer


def shared() -> list[SharedServer]:
    """Return the servers that others share with this user, by name."""
    found = []
    mine = doors.lead(os.getuid())
    with contextlib.suppress(StateUnusable), doors.opened() as place:
        for name in doors.names(place):
            answered = None if name.startswith(mine) else _ask(place, name)
            if answered is not None:
                found.append(SharedServer(name, *answered))
    return sorted(found, key=lambda server: server.name)


def find(name: str) -> ServerFolder:
    """Return the server `name`: this user's own, or as ``server@owner`` one that is shared.

    Raises
    ------
    UnknownName
        If there is none, with the nearest names.
    """
    if "@" not in name:
        return folder.find(name)
    others = {server.name: server for server in shared()}
    if name not in others:
        known = [*(each.name for each in folder.folders()), *others]
        raise UnknownName("server", name, known, "%aim ps lists the servers")
    return others[name]


def _ask(place: int, name: str) -> tuple[str, Offer] | None:
    """Return who listens at a socket and what they offer this user, None for nothing."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as caller:
        caller.settimeout(_ANSWER_S)
        try:
            caller.connect(doors.address(place, name))
            uid = doors.peer(caller)
            # Names are given by whoever makes a file; the kernel says who listens.
            if not name.startswith(doors.lead(uid)):
                return None
            offer = _OFFER.decode(_said(caller))
            check_name(offer.record.name)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError, BadUsage):
            return None
    return _user(uid), offer


def _said(caller: socket.socket) -> bytes:
    data, end = b"", time.monotonic() + _ANSWER_S
    while len(data) <= _MOST_BYTES and time.monotonic() < end:
        chunk = caller.recv(1 << 16)
        if not chunk:
            break
        data += chunk
    return data


def _user(uid: int) -> str:
    """Return a user's name as it can stand in a server's."""
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = str(uid)
    return re.sub(r"[^A-Za-z0-9._-]", "-", name)
