"""What an engine's log looks like."""

from __future__ import annotations

import re

from msgspec import Struct

from aim_jupyter.core.adapters.rules import compiled

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


class Log(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the engine's log looks like: patterns, each empty where there is nothing of that kind.

    Attributes
    ----------
    prefix : str
        What each line begins with and no rule looks at; colours are taken off before.
    process : str
        Matches at the beginning of a line, colours removed; its first group names who wrote it.
    begins : str
        Found in the first line of a start.
    wrappers : str
        Found in lines that say only that something else failed.
    """

    prefix: str = ""
    process: str = ""
    begins: str = ""
    wrappers: str = ""

    def __post_init__(self) -> None:
        for pattern in (self.prefix, self.process, self.begins, self.wrappers):
            compiled(pattern)
        if self.process and not compiled(self.process).groups:
            raise ValueError("'process' has no group")

    def plain(self, line: str) -> str:
        """Return a line without colours and without the prefix."""
        bare = _COLOUR.sub("", line)
        found = compiled(self.prefix).match(bare)
        return bare[found.end() :] if found else bare

    def writer(self, line: str) -> str:
        """Return which process of the engine wrote a line, empty where it does not say."""
        found = compiled(self.process).match(_COLOUR.sub("", line)) if self.process else None
        return str(found[1]) if found else ""

    def is_first(self, line: str) -> bool:
        """Whether a plain line is the first of a start."""
        return bool(self.begins) and compiled(self.begins).search(line) is not None

    def is_wrapper(self, line: str) -> bool:
        """Whether a plain line says only that something else failed."""
        return bool(self.wrappers) and compiled(self.wrappers).search(line) is not None
