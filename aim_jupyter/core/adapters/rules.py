"""Rules about an engine's log: how far a start is, and what a failure means."""

from __future__ import annotations

import functools
import re
import string
from collections.abc import Iterable

from msgspec import Struct

from aim_jupyter.core.records import Stage

#: Letters of a pattern that are shown of one that is wrong.
_SHOWN = 40


@functools.cache
def compiled(pattern: str) -> re.Pattern[str]:
    """Return a pattern, compiled once.

    Raises
    ------
    ValueError
        If it does not compile, with the pattern and why.
    """
    try:
        return re.compile(pattern)
    except re.error as error:
        raise ValueError(f"the pattern {_short(pattern)} does not compile: {error}") from error


class StageRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a line of the log says about how far a start is.

    Attributes
    ----------
    stage : Stage
        Begins at the latest when a line matches.
    match : str
        Searched in the plain line. Groups ``done`` and ``of``, or ``percent``, give progress.
    detail : str
        What a card then shows beside the stage, with the pattern's groups in braces.
    facts : dict
        Figures that are kept, by name, each from a group.
    tasks : str
        The group with the words for what the engine does.
    """

    stage: Stage
    match: str
    detail: str = ""
    facts: dict[str, str] = {}
    tasks: str = ""

    def check(self) -> None:
        """Raise ValueError where a pattern does not compile, or lacks a group that is used."""
        groups = self.pattern.groupindex
        used = (*words(self.detail), *self.facts.values(), *filter(None, [self.tasks]))
        for wanted in used:
            if wanted not in groups:
                raise ValueError(f"the pattern {_short(self.match)} has no group {wanted!r}")

    @property
    def pattern(self) -> re.Pattern[str]:
        """What its line looks like."""
        return compiled(self.match)


class Change(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to try: a command as it stands, or the launch line with something changed.

    Attributes
    ----------
    run : str
        A complete command.
    set : dict
        Options that the launch line gets, ours or the engine's; an empty value is a switch. With
        neither `run`, `set` nor `drop` it is the same line again.
    drop : tuple of str
        Options that it loses.
    because : str
        Why it should do.
    """

    run: str = ""
    set: dict[str, str] = {}
    drop: tuple[str, ...] = ()
    because: str = ""


class FailureRule(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a line of the log means to the person who launched; ``crash/rules/model.toml`` says how.

    Attributes
    ----------
    match : str
        Searched in the lines of the failure that decides, the root cause first.
    explains : str
        Where given, `match` is searched in the lines before that failure instead, whoever wrote
        them, and only if this is found in the failure itself.
    also : str
        Must be found, too, in a line before or in the failure; its groups are words as well.
    never : str
        Must be found in no line of the failure.
    frames : str
        Must be found in what led to the failure: its stack, as the log has it.
    raised : str
        Must be found in the innermost frame of that stack: file, function, and code.
    stage : tuple of Stage
        In which the start was then; empty is any, one that the log does not tell is none.
    what, cause
        Sentences, with the patterns' groups and what the machine says in braces.
    change : tuple of Change
        What to try, the first that can be made.
    port_taken : bool
        Whether the engine could not have its port: another one is tried.
    """

    match: str
    what: str
    cause: tuple[str, ...]
    explains: str = ""
    also: str = ""
    never: str = ""
    frames: str = ""
    raised: str = ""
    stage: tuple[Stage, ...] = ()
    change: tuple[Change, ...] = ()
    port_taken: bool = False

    def check(self) -> None:
        """Raise ValueError where a pattern does not compile."""
        for pattern in (
            self.match, self.explains, self.also, self.never, self.frames, self.raised,
        ):  # fmt: skip
            compiled(pattern)

    @property
    def pattern(self) -> re.Pattern[str]:
        """What its line looks like."""
        return compiled(self.match)

    @property
    def groups(self) -> frozenset[str]:
        """The words that its patterns may give."""
        return frozenset((*self.pattern.groupindex, *compiled(self.also).groupindex))


def words(template: str) -> Iterable[str]:
    """Return the words in braces of a sentence.

    Raises
    ------
    ValueError
        If its braces don't match.
    """
    return [name for _, name, _, _ in string.Formatter().parse(template) if name is not None]


def _short(pattern: str) -> str:
    """Return a pattern as it stands in its file, or how it begins."""
    return f"'{pattern}'" if len(pattern) <= _SHOWN else f"'{pattern[:_SHOWN]}…'"
