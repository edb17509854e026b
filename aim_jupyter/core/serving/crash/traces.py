"""What failed in a log, by its form: exceptions with their chain, and ends that no exception tells.

The processes of an engine write into one log, in any order: each writer's lines are read as they
follow each other. Which failure decides is not said here (`decisive`).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal, NamedTuple

from aim_jupyter.core.adapters import Log
from aim_jupyter.core.serving.crash import signs
from aim_jupyter.core.serving.crash.lines import Line

#: raised: a traceback; said: an exception in a line that is logged as an error; bare: one that
#: stands alone; fatal: an end without an exception; death: told by another process; error: a line
#: that is logged as an error.
Kind = Literal["raised", "said", "bare", "fatal", "death", "error"]

TRACEBACK = "Traceback (most recent call last)"
_CHAIN = ("During handling of the above exception", "The above exception was the direct cause")
#: Without a traceback only a name that sounds like an exception is one; below one any name is.
_NAMED = re.compile(
    r"(?:[A-Za-z_]\w*\.)*\w*(?:Error|Exception|Failure|OutOfResources|Interrupt|Exit|NotSupported)"
    r"(?:\(\w+\))?(?:: |:$|$)|\s*Value error, "
)
_RAISED = re.compile(r"[A-Za-z_][\w.]*(?:\([\w.]+\))?(?::(?: .*)?)?$", re.DOTALL)
_FRAME = re.compile(r'\s*File "')
_GROUP = re.compile(r"(?:\s*\| ?)+|\s*\+-[-+ \d]*")
_STACK = re.compile(r"\s|#\d|Thread 0x|Current thread|Extension modules|frame #|\*\*\*|@ ")
_MARKS = re.compile(r"[\s^~]*$")
_LEVELS = frozenset(("ERROR", "CRITICAL", "FATAL"))
_ERROR = re.compile(r"(?:ERROR|CRITICAL|FATAL)\b[:\s]")
#: Lines that a message has at most below its first, frames that are kept, and lines of others that
#: may stand between those of a traceback.
_MESSAGE, _FRAMES, _BETWEEN = 60, 400, 40


class Link(NamedTuple):
    """One exception of a chain, or another end.

    Attributes
    ----------
    lines : tuple of int
        Where its own line stands, and those below that belong to it.
    frames : str
        What led to it, as the log has it.
    source : str
        The line of code that raised it, where the log has it.
    """

    lines: tuple[int, ...]
    frames: str = ""
    source: str = ""


class Failure(NamedTuple):
    """Something that failed: `links` has the root cause first."""

    kind: Kind
    at: int
    end: int
    stream: str
    links: tuple[Link, ...]


def find(lines: Sequence[Line], look: Log) -> list[Failure]:
    """Return what failed, in the order in which it began."""
    reader = _Reader(lines, look)
    for at, line in enumerate(lines):
        reader.take(at, line)
    return reader.done()


class _Open:
    """A failure that is being read."""

    def __init__(self, kind: Kind, at: int, line: Line, stream: str) -> None:
        self.kind, self.at, self.end, self.stream = kind, at, at, stream
        self.head = line.head
        self.links: list[Link] = []
        self.frames: list[str] = []
        self.message: list[int] = []
        self.state: Literal["frames", "message", "chained"] = "frames"
        self.foreign = 0
        self.flat = False
        text = line.text.lstrip()
        self.indent = len(line.text) - len(text) if text.startswith("Traceback") else 0

    def raise_(self, at: int) -> None:
        self.end, self.message, self.state = at, [at], "message"

    def closed_link(self) -> None:
        if self.message:
            code = [
                text for text in self.frames if not _FRAME.match(text) and not _MARKS.match(text)
            ]
            source = code[-1].strip() if code else ""
            self.links.append(Link(tuple(self.message), "\n".join(self.frames), source))
        self.message, self.frames = [], []


class _Reader:
    def __init__(self, lines: Sequence[Line], look: Log) -> None:
        self._lines, self._look = lines, look
        self._open: dict[str, _Open] = {}
        self._found: list[Failure] = []
        #: Lines without a head belong to the message that the last line with one has begun.
        self._owner = ""

    def take(self, at: int, line: Line) -> None:
        raw = not line.stream
        stream = self._owner if raw and self._owner in self._open else line.stream
        if not raw:
            self._owner = ""
        block = self._open.get(stream)
        if TRACEBACK in line.text:
            self._trace(at, line, stream)
        elif block is None or not self._continues(block, at, line):
            if block is not None and block.state != "frames":
                self._close(block)
            self._alone(at, line, line.stream)
        if not raw and stream in self._open:
            self._owner = stream

    def done(self) -> list[Failure]:
        for block in list(self._open.values()):
            self._close(block)
        return sorted(self._found, key=lambda failure: failure.at)

    def _trace(self, at: int, line: Line, stream: str) -> None:
        block = self._open.get(stream)
        if block is not None and block.state == "chained":
            block.state, block.end = "frames", at
            return
        if block is not None:
            self._close(block)
        block = _Open("raised", at, line, stream)
        before = self._lines[at - 1].text if at else ""
        if signs.shows("harmless", line.text) or signs.shows("harmless", before):
            block.at = -1  # read over, and not kept
        self._open[stream] = block

    def _continues(self, block: _Open, at: int, line: Line) -> bool:
        if block.state == "frames":
            return self._frame(block, at, line)
        return self._message(block, at, line)

    def _frame(self, block: _Open, at: int, line: Line) -> bool:
        text = _ungrouped(line.text)
        block.flat = block.flat or text.startswith('File "')
        indented = len(text) - len(text.lstrip()) > block.indent
        if not text.strip() or indented or text.startswith('File "') or text[0] in "^~":
            if len(block.frames) < _FRAMES:
                block.frames.append(text)
            block.end = at
            return True
        if _RAISED.match(text.strip()) and not text.endswith(("else:", "try:")):
            block.raise_(at)
            return True
        if block.flat:
            block.frames.append(text)
            return True
        block.foreign += 1
        if block.foreign > _BETWEEN or line.severity in ("INFO", "DEBUG"):
            self._close(block)
        return False

    def _message(self, block: _Open, at: int, line: Line) -> bool:
        text = _ungrouped(line.text)
        if text.strip().startswith(_CHAIN):
            block.closed_link()
            block.state, block.end = "chained", at
            return True
        if block.state == "chained":
            return not text.strip()
        first = self._lines[block.message[0]]
        if line.head != first.head and (line.head or line.stream == block.stream):
            return False
        if block.kind == "raised" and _FRAME.match(text):
            # Ray names the exception first, and then how it came to it.
            block.closed_link()
            block.state, block.frames = "frames", [text]
            return True
        if len(block.message) > _MESSAGE or self._begins_another(block, text):
            return False
        if text.strip():
            block.message.append(at)
            block.end = at
        return True

    def _begins_another(self, block: _Open, text: str) -> bool:
        """Whether a line is no part of the message before it."""
        if block.kind == "fatal":
            return not (_STACK.match(text) or "what():" in text)
        if block.kind in ("error", "death") or self._look.is_wrapper(text):
            return True
        bare = block.kind == "bare" and _NAMED.match(text) is not None
        return bare or (signs.shows("fatal", text) and not text.startswith(" "))

    def _alone(self, at: int, line: Line, stream: str) -> None:
        text = line.text
        kind: Kind | None = None
        if line.severity in ("INFO", "DEBUG") or not text or signs.shows("harmless", text):
            return
        if line.severity not in ("WARNING", "WARN") and signs.shows("fatal", text):
            kind = "fatal"
        elif _NAMED.match(text):
            kind = "said" if line.severity in _LEVELS else "bare"
        elif signs.shows("deaths", text):
            kind = "death"
        elif line.severity in _LEVELS or _ERROR.match(text) or signs.shows("errors", text):
            kind = "error"
        if kind is not None:
            block = _Open(kind, at, line, stream)
            block.raise_(at)
            if stream in self._open:
                self._close(self._open[stream])
            self._open[stream] = block

    def _close(self, block: _Open) -> None:
        block.closed_link()
        if self._open.get(block.stream) is block:
            del self._open[block.stream]
        if block.links and block.at >= 0:
            self._found.append(
                Failure(block.kind, block.at, block.end, block.stream, tuple(block.links[::1]))
            )


def _ungrouped(text: str) -> str:
    """Return a line of an exception group as it would stand alone."""
    found = _GROUP.match(text) if "|" in text or "+-" in text else None
    return text[found.end() :] if found and found[0].strip() else text
