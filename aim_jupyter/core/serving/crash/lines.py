"""The lines of an engine's log that are worth reading: its end, of the last start.

A log may be of any size: what is read of it is bounded, from the end towards the beginning, and
further back only where the end names nothing that failed.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from aim_jupyter.core.adapters import Log

#: Bytes and lines of the log's end that are searched at first.
SEARCHED_BYTES = 4 << 20
SEARCHED = 4000
#: Bytes before them that are searched where those name no failure.
FURTHER_BYTES = 32 << 20
#: Letters of a line that are looked at: a configuration in one line may be longer.
LONGEST_READ = 4000
#: What a failure has in it; each is looked for as it stands, which is quick.
_MARKS = (b"Traceback (most", b"Error: ", b"fault by GPU", b"Fatal Python", b"HSA_STATUS_E")
#: Bytes around such a mark that are read.
_AROUND = 128 << 10


class Line(NamedTuple):
    """A line of the log.

    Attributes
    ----------
    number : int or None
        Counted from 1; None where nobody counted the lines before it.
    text : str
        Without colours and heads.
    process, severity, head : str
        As in `adapters.log.Written`.
    stream : str
        The same for all lines of one writer.
    """

    number: int | None
    text: str
    process: str = ""
    severity: str = ""
    head: str = ""
    stream: str = ""


class Read(NamedTuple):
    """What was read of a log: its lines, and how many it has in all (0: it is too long)."""

    lines: list[Line]
    total: int


def last(log: Path, look: Log) -> Read:
    """Return the last lines of the last start; none where the file can't be read."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            start = max(0, size - SEARCHED_BYTES)
            file.seek(start)
            raw = file.read(SEARCHED_BYTES).split(b"\n")
    except OSError:
        # The crash is then told by its exit code alone.
        return Read([], 0)
    if raw[-1] == b"":
        raw.pop()
    if start:
        # The first one has been cut, and nobody knows how many stand before it.
        del raw[:1]
    first = max(0, len(raw) - SEARCHED)
    numbered = enumerate(raw[first:], start=first + 1)
    lines = [_line(None if start else number, text, look) for number, text in numbered]
    return Read(_of_last_start(lines, look), 0 if start else len(raw))


def further(log: Path, look: Log) -> Read:
    """Return what stands around the last failures before the end that `last` returns."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            start = max(0, size - FURTHER_BYTES)
            file.seek(start)
            raw = file.read(FURTHER_BYTES)
    except OSError:
        return Read([], 0)
    at = min((found for found in _marks(raw)), default=-1)
    if at < 0:
        return Read([], 0)
    begin = raw.rfind(b"\n", 0, max(0, at - _AROUND // 4)) + 1
    number = None if start else raw.count(b"\n", 0, begin) + 1
    part = raw[begin : begin + _AROUND].split(b"\n")[:SEARCHED]
    lines = [
        _line(None if number is None else number + offset, text, look)
        for offset, text in enumerate(part)
    ]
    return Read(_of_last_start(lines, look), 0 if start else raw.count(b"\n"))


def _marks(raw: bytes) -> Iterator[int]:
    """Yield where the last burst of each mark begins: marks that follow each other closely."""
    for mark in _MARKS:
        at = raw.rfind(mark)
        while at >= 0:
            before = raw.rfind(mark, max(0, at - _AROUND // 2), at)
            if before < 0:
                yield at
                break
            at = before


def _line(number: int | None, raw: bytes, look: Log) -> Line:
    # A progress bar rewrites its line: what stands there in the end is what it says.
    # Where a long log was given back to the disk, it reads as zeros.
    bare = raw.strip(b"\0\r")
    if b"\r" in bare:
        bare = bare.rpartition(b"\r")[2]
    said = look.read(bare[:LONGEST_READ].decode("utf-8", "replace"))
    stream = f"{said.process} {said.pid}" if said.process or said.pid else said.head and "head"
    return Line(number, said.text.rstrip(), said.process, said.severity, said.head, stream)


def _of_last_start(lines: list[Line], look: Log) -> list[Line]:
    """Leave out what an earlier start has written into the same log."""
    for at in range(len(lines) - 1, -1, -1):
        if look.is_first(lines[at].text):
            return lines[at:]
    return lines
