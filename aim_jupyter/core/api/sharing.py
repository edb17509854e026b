"""Servers that several users of a node use: shared by their owner, and taken back."""

from __future__ import annotations

from aim_jupyter.core import serving
from aim_jupyter.core.api.finding import server
from aim_jupyter.core.api.lifecycle import reachable
from aim_jupyter.core.errors import NotOwner
from aim_jupyter.core.serving import ServerFolder
from aim_jupyter.core.serving.sharing import shares
from aim_jupyter.core.serving.sharing.shares import EVERYONE, Share

__all__ = ["EVERYONE", "Share", "revoke", "share", "shares_of"]


def share(name: str | None, user: str) -> list[Share]:
    """Share a live server with a user of this node, or with `EVERYONE`; return all its shares.

    Each gets a key of their own at their first look, and finds the server as ``name@owner``.

    Raises
    ------
    ServerGone
        If it has ended.
    UnknownName
        If there is no such server, or no such user.
    NotOwner
        If it is shared with this user by somebody else.
    """
    folder = _own(name)
    reachable(folder)
    return shares.add(folder, user)


def revoke(name: str | None, user: str) -> list[Share]:
    """Take a share back, or all of them with `EVERYONE`; the key opens nothing from now on.

    Raises
    ------
    BadUsage
        If the server is not shared with that user.
    """
    return shares.revoke(_own(name), user)


def shares_of(name: str | None = None) -> dict[str, list[Share]]:
    """Return with whom each of this user's servers is shared, or the one named."""
    folders = [_own(name)] if name is not None else serving.folders()
    return {
        folder.name: shares.listed(folder) for folder in folders if serving.current(folder).live
    }


def _own(name: str | None) -> ServerFolder:
    folder = server(name)
    if folder.owner is not None:
        found = f"{folder.name!r} is {folder.owner}'s to share."
        raise NotOwner(found, f"ask {folder.owner}")
    return folder
