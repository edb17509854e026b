"""Which of the failures of a log decides: that of the process which ended first.

What says only that something else failed is set aside, what follows in other processes comes last,
and what was followed by work of the same process has not ended it.
"""

from __future__ import annotations

from collections.abc import Sequence

from aim_jupyter.core.adapters import Log
from aim_jupyter.core.serving.crash import signs
from aim_jupyter.core.serving.crash.lines import Line
from aim_jupyter.core.serving.crash.traces import Failure, Link

#: A process that goes on by these words is being ended.
_WORKS = ("INFO", "DEBUG")


class Ranked:
    """The failures of a log in groups, each in the order in which it is worth asking.

    Attributes
    ----------
    ends : list of Failure
        Of a process that did nothing after it: the first one decides.
    bare : list of Failure
        Exceptions in lines that stand alone, after which nobody did anything; last first.
    others : list of Failure
        Exceptions after which a process went on; last first.
    hints : list of Failure
        Deaths that others report, what follows from a failure, errors that are logged: they
        explain only where a rule knows them.
    wrappers : list of Failure
        What says only that something else failed.
    """

    def __init__(self, lines: Sequence[Line], found: Sequence[Failure], look: Log) -> None:
        self.ends: list[Failure] = []
        self.bare: list[Failure] = []
        self.others: list[Failure] = []
        self.hints: list[Failure] = []
        self.wrappers: list[Failure] = []
        works = _last_work(lines, found, look)
        deaths, errors, echoes = [], [], []
        for failure in found:
            own = _own(failure, lines, look)
            if own is None:
                self.wrappers.append(failure)
            elif failure.kind == "death":
                deaths.append(own)
            elif failure.kind == "error":
                errors.append(own)
            elif _is_echo(own, lines):
                echoes.append(own)
            elif failure.kind == "bare" and works.get(None, -1) < failure.end:
                self.bare.insert(0, own)
            elif works.get(failure.stream or None, -1) < failure.end:
                self.ends.append(own)
            else:
                self.others.append(own)
        self.others.reverse()
        self.hints = [*reversed(errors), *deaths, *echoes]
        self.deaths = deaths


def _last_work(lines: Sequence[Line], found: Sequence[Failure], look: Log) -> dict[str | None, int]:
    """Return where each stream last shows that its process went on; None is any of them."""
    part = {at for failure in found for at in range(failure.at, failure.end + 1)}
    last: dict[str | None, int] = {}
    for at, line in enumerate(lines):
        if not line.head or not (line.severity in _WORKS or not line.severity):
            continue
        if at in part or signs.shows("ending", line.text) or look.is_wrapper(line.text):
            continue
        last[line.stream] = last[None] = at
    return last


def _own(failure: Failure, lines: Sequence[Line], look: Log) -> Failure | None:
    """Return a failure without the links that only wrap another; None where none is left."""
    kept = tuple(link for link in failure.links if not _wraps(link, lines, look))
    return failure._replace(links=kept) if kept else None


def _wraps(link: Link, lines: Sequence[Line], look: Log) -> bool:
    return look.is_wrapper(lines[link.lines[0]].text) or (
        # A message of several lines, of which the last says so.
        len(link.lines) > 1 and "please check the stack trace above" in lines[link.lines[-1]].text
    )


def _is_echo(failure: Failure, lines: Sequence[Line]) -> bool:
    return all(signs.shows("echoes", lines[link.lines[0]].text) for link in failure.links)
