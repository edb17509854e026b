"""What an engine's log looks like, and who wrote a line of it.

What runs an engine writes heads of its own before the engine's: a container runtime, compose,
journald, srun, torchrun, Ray. Those are known here, for all engines; an adapter knows its own.
"""

from __future__ import annotations

import json
import re
from typing import NamedTuple

from msgspec import Struct

from aim_jupyter.core.adapters.rules import compiled

_COLOUR = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
#: Heads that may stand before each other, and how many of them at most.
_HEADS = re.compile(
    r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[.,]\d+(?:Z|[+-][\d:]+)? "
    r"(?:std(?:out|err) [FP] |\[\w+\] (?:\(Process\) )?)?"  # Kubernetes; programs that pass it on
    r"|[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ [\w.@-]+\[\d+\]: "  # journald
    r"|(?:\[[\w.-]+\]|[\w.-]+) +\| "  # compose
    r"|\d{1,3}: (?=[(\[A-Z]|  File )"  # srun --label
    r"|\[(?:rank|default)(?P<local>\d+)\]:(?:\[[EWI]\d+ [^\]]*\] ?)? ?"  # torch, torchrun
    # vLLM and Ray: "(Worker_TP1 pid=7) ", "(VllmWorker rank=0 pid=7) "
    r"|\((?P<process>[A-Za-z_]\w*(?:::\w+)?)?(?: ?(?P<rank>rank=\d+|(?:_?[A-Z]{2,4}\d+)+))?"
    r"(?: ?pid=(?P<pid>\d+))?(?:, ip=[^)]*)?\)(?: \[repeated \d+x[^\]]*\])? "
)
_MOST_HEADS = 5
_NOT_A_HEAD = ("() ",)
_JSON = '{"log":"'


class Written(NamedTuple):
    """A line of a log without its heads, and what they said.

    Attributes
    ----------
    text : str
    process : str
        Which process of the engine wrote it, as it calls itself: ``Worker_TP1``; else empty.
    pid : str
        Its process id, empty where the line does not say.
    severity : str
        ``ERROR``; empty where the line does not say.
    head : str
        The engine's own head as it stands: lines of one message have the same.
    """

    text: str
    process: str = ""
    pid: str = ""
    severity: str = ""
    head: str = ""


class Log(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the engine's log looks like: patterns, each empty where there is nothing of that kind.

    Attributes
    ----------
    prefix : str
        What the engine begins each line with and no rule looks at; colours and the heads of what
        runs the engine are taken off before. It may name groups: ``process`` says who wrote the
        line, ``severity`` how bad it is.
    begins : str
        Found in the first line of a start.
    wrappers : str
        Found in lines that say only that something else failed.
    """

    prefix: str = ""
    begins: str = ""
    wrappers: str = ""

    def check(self) -> None:
        """Raise ValueError where a pattern does not compile."""
        for pattern in (self.prefix, self.begins, self.wrappers):
            compiled(pattern)

    def read(self, line: str) -> Written:
        """Return a line without colours and heads, and who wrote it."""
        bare = _COLOUR.sub("", line) if "\x1b" in line else line
        if bare.startswith(_JSON):
            bare = _unpacked(bare)
        process = pid = ""
        for _ in range(_MOST_HEADS):
            found = _HEADS.match(bare)
            if found is None or found[0] in _NOT_A_HEAD:
                break
            if found["process"] or found["rank"]:
                process = " ".join(filter(None, (found["process"], found["rank"])))
            elif found["local"] and not process:
                process = f"rank{found['local']}"
            pid = found["pid"] or pid
            bare = bare[found.end() :]
        own = compiled(self.prefix).match(bare) if self.prefix else None
        if own is None or not own.end():
            return Written(bare, process, pid)
        said = own.groupdict()
        return Written(
            bare[own.end() :],
            said.get("process") or process,
            pid,
            said.get("severity") or "",
            own[0],
        )

    def plain(self, line: str) -> str:
        """Return a line without colours and without its heads."""
        return self.read(line).text

    def is_first(self, line: str) -> bool:
        """Whether a plain line is the first of a start."""
        return bool(self.begins) and compiled(self.begins).search(line) is not None

    def is_wrapper(self, line: str) -> bool:
        """Whether a plain line says only that something else failed."""
        return bool(self.wrappers) and compiled(self.wrappers).search(line) is not None


def _unpacked(line: str) -> str:
    """Return the text of a line that docker's ``json-file`` driver wrote."""
    try:
        return str(json.loads(line)["log"]).rstrip("\n")
    except (ValueError, KeyError, TypeError, RecursionError):
        return line
