"""Which rule knows a failure: what must be found, what must not, where, and in which stage."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from aim_jupyter.core import adapters
from aim_jupyter.core.adapters import FailureRule
from aim_jupyter.core.adapters.rules import compiled
from aim_jupyter.core.records import Stage
from aim_jupyter.core.serving.crash import failures, signs
from aim_jupyter.core.serving.crash.lines import Line
from aim_jupyter.core.serving.crash.traces import Failure, Link

#: Lines before a failure in which what explains it is looked for.
BEFORE = 600
#: Lines before a failure in which the stage is looked for.
_STAGE_BEFORE = 1500
#: Letters of one line that a pattern is searched in.
_LETTERS = 3000


class Match(NamedTuple):
    """A rule that knows a failure, the line that says so, and the words of its patterns."""

    rule: FailureRule
    at: int
    groups: dict[str, str | None]


class Case(NamedTuple):
    """A failure among the lines of its log, in the stage that the start was in."""

    lines: Sequence[Line]
    failure: Failure
    stage: Stage | None


def matched(engine: str, case: Case, *, ended: bool = False) -> Match | None:
    """Return the rule that knows a failure; of those that do, the first that is in the files.

    Parameters
    ----------
    ended : bool
        Whether the process ended by it: then where it was raised may say enough.
    """
    places = failures.places() if ended else ()
    for rule in (*failures.rules(engine), *places):
        found = _explained(rule, case) if rule.explains else _found(rule, case)
        if found is not None:
            return found
    return None


def stage_at(engine: str, lines: Sequence[Line], at: int) -> Stage | None:
    """Return the stage that the start was in at that line, None where the log does not say."""
    rules = adapters.of(engine).stages
    for line in reversed(lines[max(0, at - _STAGE_BEFORE) : at]):
        for rule in rules:
            if rule.pattern.search(line.text):
                return rule.stage
    return None


def said(link: Link, lines: Sequence[Line]) -> Iterator[tuple[int, str]]:
    """Yield the lines of an exception; a bare one with the code that raised it."""
    for at in link.lines:
        text = lines[at].text
        if at == link.lines[0] and link.source and text.rstrip(": ").endswith("AssertionError"):
            text = f"{text.rstrip(': ')}: {link.source}"
        yield at, text


def _told(link: Link, lines: Sequence[Line]) -> Iterator[tuple[int, str]]:
    """Yield what an exception says has happened: not what may have been, or may help."""
    for at, text in said(link, lines):
        guess = signs.found("guesses", text)
        yield at, text[: min(guess.start(), _LETTERS) if guess else _LETTERS]
        if guess:
            break


def _found(rule: FailureRule, case: Case) -> Match | None:
    if rule.stage and case.stage not in rule.stage:
        return None
    for link in case.failure.links:
        for at, text in _told(link, case.lines):
            found = rule.pattern.search(text)
            if not found or (rule.raised and not compiled(rule.raised).search(_innermost(link))):
                continue
            if (groups := _evidence(rule, case)) is not None:
                return Match(rule, at, {**groups, **found.groupdict()})
    return None


def _innermost(link: Link) -> str:
    """Return the last frame of a stack: its file, its function, and its code."""
    _, file, rest = link.frames.rpartition('File "')
    return file + rest


def _explained(rule: FailureRule, case: Case) -> Match | None:
    itself = _found(rule, case)
    if itself is not None or not _anywhere(rule.explains, case):
        return itself
    first = max(0, case.failure.at - BEFORE)
    for at in range(case.failure.end, first - 1, -1):
        found = rule.pattern.search(case.lines[at].text[:_LETTERS])
        if found and (groups := _evidence(rule, case)) is not None:
            return Match(rule, at, {**groups, **found.groupdict()})
    return None


def _evidence(rule: FailureRule, case: Case) -> dict[str, str | None] | None:
    """Return the words of what must be found beside the line itself; None where it is not."""
    if rule.never and _anywhere(rule.never, case):
        return None
    frames = "\n".join(link.frames for link in case.failure.links)
    if rule.frames and not compiled(rule.frames).search(frames):
        return None
    if not rule.also:
        return {}
    also = compiled(rule.also)
    first = max(0, case.failure.at - BEFORE)
    for at in range(case.failure.end, first - 1, -1):
        found = also.search(case.lines[at].text[:_LETTERS])
        if found:
            return found.groupdict()
    return None


def _anywhere(pattern: str, case: Case) -> bool:
    search = compiled(pattern).search
    return any(search(text) for link in case.failure.links for _, text in _told(link, case.lines))
