"""Servers of others that this user may use."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

from msgspec.structs import replace

from aim_jupyter.core import users
from aim_jupyter.core.errors import ServerGone, UnknownName
from aim_jupyter.core.records import ServerRecord
from aim_jupyter.core.serving.sharing import asking
from aim_jupyter.core.serving.sharing.listener import Offer
from aim_jupyter.core.serving.state import folder
from aim_jupyter.core.serving.state.folder import ServerFolder

#: Seconds that one server may take to answer who asks for it; its supervisor looks up at once.
ANSWER_S = 2.0
#: Seconds that all servers of others may take together where they are only listed.
LOOK_S = 0.3


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
            found = asking.ask_all(ANSWER_S, [self._door]).answers
            offer = next((one.offer for one in found if _user(one.uid) == self.owner), None)
        if offer is None:
            raise ServerGone(
                f"Server {self.name!r} has ended, or {self.owner} does not share it any more.",
                "%aim ps",
            )
        return offer


def shared(*, budget_s: float | None = None) -> list[SharedServer]:
    """Return the servers that others share with this user, by name.

    Parameters
    ----------
    budget_s : float, optional
        Seconds that all of them together may take to answer; `LOOK_S` if None. Who has not answered
        by then is left out: `silent` names them.
    """
    found = asking.ask_all(LOOK_S if budget_s is None else budget_s)
    servers = [SharedServer(one.door, _user(one.uid), one.offer) for one in found.answers]
    return sorted(servers, key=lambda server: server.name)


def silent() -> dict[str, int]:
    """Return the users of whose sockets some don't answer, each with how many."""
    counted = Counter(asking.ask_all(LOOK_S).silent)
    return {_user(uid): number for uid, number in sorted(counted.items())}


def find(name: str) -> ServerFolder:
    """Return the server `name`: this user's own, or as ``server@owner`` one that is shared.

    Raises
    ------
    UnknownName
        If there is none, with the nearest names.
    """
    if "@" not in name:
        return folder.find(name)
    others = {server.name: server for server in shared(budget_s=ANSWER_S)}
    if name not in others:
        known = [*(each.name for each in folder.folders()), *others]
        raise UnknownName("server", name, known, "%aim ps")
    return others[name]


def _user(uid: int) -> str:
    """Return a user's name as it can stand in a server's."""
    return re.sub(r"[^A-Za-z0-9._-]", "-", users.name(uid).removeprefix("uid "))
