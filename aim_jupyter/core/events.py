"""What happened to a server, as JSON lines, and to a long job, as messages to whoever listens.

`EventLog` appends to ``events.jsonl``: one object a line with ``at`` (UTC), ``level``, ``kind``,
``server``, ``stage``, ``took_s`` and ``message``. One writer (the supervisor), any number of
readers.

`report` passes a line of progress to the sink that a front end has installed, so the core never
prints. Without one, lines go to the package's logger.
"""

from __future__ import annotations

import contextlib
import logging
import os
import time
from collections.abc import Callable, Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from aim_jupyter.core.harmless import harmless
from aim_jupyter.core.records.kinds import resolved

Kind = Literal["fit", "stage", "health", "lease", "stop", "exit"]
Level = Literal["info", "warning", "error"]
Sink = Callable[[str], None]

_logger = logging.getLogger("aim_jupyter")
_sink: ContextVar[Sink] = ContextVar("aim_sink", default=_logger.info)


class Event(Struct, frozen=True, kw_only=True):
    """One line of ``events.jsonl``; `at` is seconds since the epoch."""

    at: float
    kind: Kind
    server: str
    message: str
    level: Level = "info"
    stage: str | None = None
    took_s: float | None = None


_EVENT = msgspec.json.Decoder(resolved(Event))


class EventLog:
    """The events of one server."""

    def __init__(self, path: Path, server: str) -> None:
        self.path = path
        self.server = server

    def add(
        self,
        kind: Kind,
        message: str,
        *,
        level: Level = "info",
        stage: str | None = None,
        took_s: float | None = None,
    ) -> None:
        """Append one event. A full disk loses the event, never the server."""
        event = Event(
            at=time.time(),
            kind=kind,
            server=self.server,
            message=message,
            level=level,
            stage=stage,
            took_s=took_s,
        )
        with contextlib.suppress(OSError), self.path.open("a+b") as file:
            cut = file.tell() > 0 and file.seek(-1, os.SEEK_END) >= 0 and file.read(1) != b"\n"
            file.write(b"\n" * cut + msgspec.json.encode(event) + b"\n")

    def read(self) -> list[Event]:
        """Return all events; a line that a crash cut short is left out."""
        try:
            lines = self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        events = []
        for line in filter(None, lines):
            with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError):
                events.append(_EVENT.decode(line))
        return events


def report(line: str) -> None:
    """Tell whoever listens one line of progress."""
    _sink.get()(harmless(line))


@contextlib.contextmanager
def listening(sink: Sink) -> Iterator[None]:
    """Send the lines of `report` to `sink` inside the block."""
    token = _sink.set(sink)
    try:
        yield
    finally:
        _sink.reset(token)
