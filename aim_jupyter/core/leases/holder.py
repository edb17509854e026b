"""Who holds a device: read from the claims, where the lock says that one counts."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable

import msgspec
from msgspec import Struct

from aim_jupyter.core import users
from aim_jupyter.core.leases import folder, locks
from aim_jupyter.core.records.kinds import resolved

_MOST_TEXT = 4096
_MOST_NAME = 64


class Holder(Struct, frozen=True, kw_only=True):
    """The holder of one device.

    Attributes
    ----------
    key : str
        PCI address and partition index, as in ``0000:0c:00.0-0``.
    uid, user : int, str or None
        Owner of the claim as the kernel knows it; None where somebody holds the bare lock file.
    pid, server, model : int, str or None
        What the holder wrote about itself, for humans. `pid` is of the holder's own namespace.
    since, until : float or None
        When it was taken, and when it is let go at the latest: seconds since the epoch (UTC). No
        end where the holder has set none.
    """

    key: str
    uid: int | None = None
    user: str | None = None
    pid: int | None = None
    server: str | None = None
    model: str | None = None
    since: float | None = None
    until: float | None = None

    @property
    def age_s(self) -> float | None:
        """Seconds since it was taken."""
        return None if self.since is None else max(time.time() - self.since, 0.0)

    @property
    def title(self) -> str:
        """The holder as a sentence part: ``bob for llama-3.3-70b``."""
        name = self.user or "somebody who left no name"
        return name + (f" for {self.server}" if self.server else "")

    @property
    def words(self) -> str:
        """The same with the process: ``bob for llama-3.3-70b (pid 38850)``."""
        return self.title + self._pid

    @property
    def _pid(self) -> str:
        return f" (pid {self.pid})" if self.pid else ""


class _Text(Struct, kw_only=True):
    """What a claim says. Anybody may have written anything: see `shown`."""

    pid: int | None = None
    server: str | None = None
    model: str | None = None
    since: float | None = None
    until: float | None = None


def holders() -> dict[str, Holder]:
    """Return the holder of every device that is held now, by key.

    Raises
    ------
    StateUnusable
        If the folder is a link or could be emptied by anyone.
    """
    with folder.opened(make=False) as place:
        if place is None:
            return {}
        found: dict[str, Holder] = {}
        lead = folder.prefix()
        # Claims sort before ``.lock``, as digits do: the bare lock is looked at last.
        for name in sorted(os.listdir(place)):  # noqa: PTH208 - a descriptor
            key, dot, _ = name.removeprefix(lead).rpartition(".")
            if dot and name.startswith(lead) and "~" not in key and key not in found:
                holder = _look(place, name, key)
                if holder is not None:
                    found[key] = holder
        return found


def free(keys: Iterable[str]) -> int:
    """Return how many of these devices nobody's lock is on: a look that costs next to nothing."""
    with folder.opened(make=False) as place:
        if place is None:
            return len(list(keys))
        lead = folder.prefix()
        return sum(_look(place, f"{lead}{key}.lock", key) is None for key in keys)


def of(place: int, key: str) -> Holder | None:
    """Return who holds one device, by its file name's key, or None."""
    shown = key.rpartition("~")[2]
    for name in sorted([*locks.claims(place, key), f"{key}.lock"]):
        holder = _look(place, name, shown)
        if holder is not None:
            return holder
    return None


def _look(place: int, name: str, key: str) -> Holder | None:
    handle = locks.open_to_look(place, name)
    if handle is None:
        return None
    try:
        if not locks.held(handle):
            return None
        if name.endswith(".lock"):
            return Holder(key=key)
        return _read(handle, key)
    finally:
        os.close(handle)


def _read(handle: int, key: str) -> Holder:
    facts = os.fstat(handle)
    try:
        said = msgspec.json.decode(os.pread(handle, _MOST_TEXT, 0), type=resolved(_Text))
    except (msgspec.DecodeError, UnicodeDecodeError):
        # Just taken and not yet written, or nonsense: the lock counts.
        said = _Text()
    since = said.since if said.since is not None else facts.st_mtime
    return Holder(
        key=key,
        uid=facts.st_uid,
        user=users.name(facts.st_uid),
        pid=said.pid if said.pid and said.pid > 0 else None,
        server=shown(said.server),
        model=shown(said.model),
        since=min(since, time.time()),
        until=said.until,
    )


def shown(name: str | None) -> str | None:
    """Return a name as it may be shown: short and printable, or not at all."""
    return name[:_MOST_NAME] if name and name.isprintable() else None
