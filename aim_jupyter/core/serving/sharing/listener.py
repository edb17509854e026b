"""Where a supervisor answers the users with whom its server is shared."""

from __future__ import annotations

import contextlib
import os
import socket
from pathlib import Path
from typing import Self

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from aim_jupyter.core.errors import StateUnusable
from aim_jupyter.core.records import ServerRecord
from aim_jupyter.core.serving.sharing import shares, sockets
from aim_jupyter.core.serving.state.folder import ServerFolder


class Offer(Struct, frozen=True, kw_only=True):
    """What a user with whom a server is shared is answered: its record, and a key of their own."""

    record: ServerRecord
    key: str


class Listener:
    """Answer at a socket for as long as the server is shared with anybody.

    It speaks first and listens to nothing: who has come is asked of the kernel, so that nobody can
    make a supervisor wait.

    Parameters
    ----------
    folder : ServerFolder
    """

    def __init__(self, folder: ServerFolder) -> None:
        self._folder = folder
        self._seen: tuple[int, int] | None = None
        self._listener: socket.socket | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def doors(self) -> list[socket.socket]:
        """Return what to wait for: the socket, opened or closed as the shares now want it."""
        seen = _signature(self._folder.path / "shares.json")
        if seen != self._seen:
            self._seen = seen
            wanted = shares.read(self._folder).any
            if wanted and self._listener is None:
                self._open()
            elif not wanted:
                self._close()
        return [self._listener] if self._listener else []

    def answer(self, record: ServerRecord) -> None:
        """Answer one who has come: an `Offer`, or nothing at all."""
        if self._listener is None:
            return
        with contextlib.suppress(OSError):
            caller, _ = self._listener.accept()
            with caller:
                caller.settimeout(0)
                key = self._key(sockets.peer(caller))
                if key is not None:
                    caller.sendall(msgspec.json.encode(Offer(record=_public(record), key=key)))

    def _key(self, uid: int) -> str | None:
        try:
            return shares.key_for(self._folder, uid)
        except StateUnusable:
            # A full disk: the guard would not know a key that can't be written.
            return None

    def _open(self) -> None:
        try:
            self._listener = _listen(self._folder.path)
        except (OSError, StateUnusable) as error:
            self._folder.events.add("health", f"can't be shared: {error}", level="error")

    def _close(self) -> None:
        if self._listener is None:
            return
        self._listener.close()
        self._listener = None
        with contextlib.suppress(OSError, StateUnusable), sockets.opened() as place:
            os.unlink(sockets.name_for(self._folder.path), dir_fd=place)


def _public(record: ServerRecord) -> ServerRecord:
    """Return a record without what is the owner's alone: paths, words and variables of a start."""
    plan = replace(record.plan, argv=(), env={}, model_path="", reasons=(), changes=())
    return replace(record, plan=plan, crash=None, log_last="", supervisor=None, engine=None)


def _listen(folder: Path) -> socket.socket:
    name = sockets.name_for(folder)
    with sockets.opened(make=True) as place:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(name, dir_fd=place)
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            listener.bind(sockets.address(place, name))
            # Anybody may knock; what they get depends on who they are.
            os.chmod(sockets.address(place, name), 0o666)  # noqa: PTH101, S103
            listener.listen(16)
        except OSError:
            listener.close()
            raise
    listener.settimeout(0)
    return listener


def _signature(path: Path) -> tuple[int, int] | None:
    try:
        facts = path.stat()
    except OSError:
        return None
    return facts.st_mtime_ns, facts.st_ino
