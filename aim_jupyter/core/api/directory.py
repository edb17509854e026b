"""Which running server a model's name means, among this user's own and those shared with them.

A name is that of a server, an alias, a model, or a model's last part, in any case; where several
serve the same model, the one that was launched last. Aliases stand in ``aliases.json`` of the state
folder; one that has several names means the first of them that runs.
"""

from __future__ import annotations

import contextlib
import re
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct

from aim_jupyter.core import config, files, serving
from aim_jupyter.core.errors import AimError, BadUsage, ServerGone, UnknownName
from aim_jupyter.core.records import ServerRecord

#: Seconds for which a look at the servers is good.
LOOK_S = 1.0
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._/@-]{0,127}")
_MOST = 1000


class Listed(Struct, frozen=True, kw_only=True):
    """A server under its own name, and the key that opens it to this user."""

    name: str
    record: ServerRecord
    key: str


class _Look(NamedTuple):
    at: float = -LOOK_S
    there: tuple[Listed, ...] = ()
    aliases: Mapping[str, tuple[str, ...]] = {}


class Directory:
    """The names as of a moment ago; may be asked from several threads."""

    def __init__(self) -> None:
        self._seen = _Look()

    @property
    def fresh(self) -> bool:
        """Whether the last look is still good, so that asking takes no time."""
        return time.monotonic() - self._seen.at < LOOK_S

    def forget(self) -> None:
        """Look anew the next time: what was found does not answer."""
        self._seen = _Look()

    def _now(self) -> _Look:
        if not self.fresh:
            found = tuple(sorted(_live(), key=lambda one: -one.record.created_at))
            self._seen = _Look(time.monotonic(), found, aliases())
        return self._seen

    def names(self) -> list[str]:
        """Return every name that means a running server, those of models last."""
        look = self._now()
        there = look.there
        known = [*(one.name for one in there), *(one.record.plan.model for one in there)]
        short = [name for name, meant in look.aliases.items() if _first(there, meant) is not None]
        return list(dict.fromkeys((*short, *known)))

    def find(self, name: str) -> Listed:
        """Return the server that a name means.

        Raises
        ------
        UnknownName
            If none runs that it means, with the nearest that do.
        ServerGone
            While the one that it means is starting.
        """
        look = self._now()
        found = _first(look.there, (name, *look.aliases.get(name, ())))
        if found is None:
            raise UnknownName("running model", name, self.names(), "%aim ps")
        if found.record.state == "starting" or found.record.address is None:
            raise ServerGone(f"Server {found.name!r} is starting.", f"%aim wait {found.name}")
        return found


def aliases() -> dict[str, tuple[str, ...]]:
    """Return the aliases and what each means, in order; none where they can't be read."""
    with contextlib.suppress(*files.UNREADABLE, OSError):
        return msgspec.json.decode(files.read_bounded(_place()), type=dict[str, tuple[str, ...]])
    return {}


def alias(said: str | None = None) -> dict[str, tuple[str, ...]]:
    """Set an alias, or take it back, and return all of them.

    Parameters
    ----------
    said : str, optional
        ``judge=qwen3-32b``, ``judge=first,second``, or ``judge=`` to take it back.

    Raises
    ------
    BadUsage
        If it is none of these.
    """
    if said is None:
        return aliases()
    name, equals, meant = said.partition("=")
    names = tuple(filter(None, meant.split(",")))
    if not equals or not all(map(_NAME.fullmatch, (name, *names))) or name in names:
        raise BadUsage(f"{said!r} is no alias.", "%aim alias judge=qwen3-32b")
    files.private_folder(config.state_dir())
    with files.locked(_place().with_suffix(".lock")):
        now = {**aliases(), name: names}
        if len(now) > _MOST:
            raise BadUsage(f"There are {_MOST} aliases already.", "%aim alias")
        now = {each: meant for each, meant in sorted(now.items()) if meant}
        files.write_atomic(_place(), msgspec.json.encode(now))
    return now


def _place() -> Path:
    return config.state_dir() / "aliases.json"


def _live() -> Iterator[Listed]:
    """Yield the servers that are up or on their way, of whatever user; who fails is left out."""
    for folder in (*serving.folders(), *serving.shared()):
        with contextlib.suppress(AimError):
            record = serving.reach(folder)
            if record.state in ("running", "starting"):
                yield Listed(name=folder.name, record=record, key=folder.key())


def _first(there: tuple[Listed, ...], names: tuple[str, ...]) -> Listed | None:
    for name in names:
        wanted = name.casefold()
        for meant in (_called, _serving, _last_part):
            found = [one for one in there if meant(one).casefold() == wanted]
            # One that starts is taken where none runs.
            found.sort(key=lambda one: one.record.state != "running")
            if found:
                return found[0]
    return None


def _called(one: Listed) -> str:
    return one.name


def _serving(one: Listed) -> str:
    return one.record.plan.model


def _last_part(one: Listed) -> str:
    return one.record.plan.model.rpartition("/")[2]
