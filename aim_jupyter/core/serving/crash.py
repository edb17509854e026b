"""From an engine's log to the parts of the crash card.

Rules are data (see `failures`). Where none matches, the decisive line is the last exception of
the log that is not one of the wrappers which say only that something else failed. Only the end of
the log is read, however long it is.
"""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from aim_jupyter.core import adapters, engines
from aim_jupyter.core.adapters import FailureRule, Log
from aim_jupyter.core.errors import AimError
from aim_jupyter.core.records import Crash, Plan
from aim_jupyter.core.serving import failures
from aim_jupyter.core.serving.evidence import Memory, Words
from aim_jupyter.core.serving.failures import Try

#: How many lines of the log's end are searched, and in how many bytes of it.
SEARCHED = 2000
SEARCHED_BYTES = 4 << 20
#: Lines that an excerpt has at most, and letters that are shown of one.
EXCERPT = 20
LONGEST = 400

_EXCEPTION = re.compile(r"^(?:[\w.]+\.)?\w*(?:Error|Exception): .+")

#: What docker and podman end with that could not run a container, and how their reason begins.
_NOT_RUN = (125, 126, 127)
_REFUSAL = re.compile(r"^(docker: |Error: |Error response from daemon: )")
_LAST = "Its last lines are what there is to go by."


class Line(NamedTuple):
    """A line of the log: its number, counted from 1 where that is known, and who wrote it."""

    number: int | None
    text: str
    process: str = ""


class _Match(NamedTuple):
    rule: FailureRule
    at: int
    groups: dict[str, str | None]


def explain(
    plan: Plan,
    log: Path,
    exit_code: int | None,
    cleaned_up: str,
    *,
    before: Memory | None = None,
    port: int | None = None,
) -> Crash:
    """Return why the engine ended that nobody asked to end.

    Parameters
    ----------
    exit_code : int or None
        Negative for a signal, as in `subprocess`; None where nobody could see it.
    before : Memory or None
        What the kernel had counted when the engine started.
    port : int or None
        That the engine was to listen on.
    """
    look = adapters.of(plan.engine).log
    lines, count = _last_lines(log, look)
    if plan.image is not None and exit_code in _NOT_RUN and (said := _refusal(lines)):
        error = engines.refusal(plan.image.program, said)
        return replace(refused(error), log_lines=count, cleaned_up=cleaned_up)
    match = _first_match(plan.engine, lines)
    killed = exit_code is not None and exit_code < 0
    at = match.at if match else _last_exception(lines, look, any_line=not killed)
    decisive = lines[at] if at is not None else None
    words = Words(match.groups if match else {}, plan, before, port)
    what, cause, attempt = (
        _told(match.rule, words, plan) if match else _unknown(exit_code, decisive, words)
    )
    return Crash(
        what=what,
        line=decisive.text.strip()[:LONGEST] if decisive else "",
        line_number=decisive.number if decisive else None,
        log_lines=count,
        process=decisive.process if decisive else "",
        cause=cause,
        try_line=attempt.line,
        try_change=attempt.change,
        try_reason=attempt.because,
        cleaned_up=cleaned_up,
        known=match is not None or killed,
        excerpt=_excerpt(lines, at),
    )


def _refusal(lines: Sequence[Line]) -> str:
    """Return why the engine's container could not be run, empty where the log does not say."""
    return "\n".join(line.text for line in lines if _REFUSAL.match(line.text))


def refused(error: AimError) -> Crash:
    """Return the crash of a start that this tool itself gave up: a download, a lease, the disk."""
    command = error.hint.startswith("%aim ")
    return Crash(
        what=error.found,
        try_line=error.hint if command else "",
        cause="" if command or not error.hint else f"To do: {error.hint}.",
    )


def port_was_taken(engine: str, log: Path) -> bool:
    """Whether the log says that the engine could not have its port."""
    match = _first_match(engine, _last_lines(log, adapters.of(engine).log)[0])
    return match is not None and match.rule.port_taken


def _last_lines(log: Path, look: Log) -> tuple[list[Line], int]:
    """Return the last lines of the last start, and how many the log has (0: it is too long)."""
    try:
        with log.open("rb") as file:
            size = file.seek(0, os.SEEK_END)
            start = max(0, size - SEARCHED_BYTES)
            file.seek(start)
            raw = file.read(SEARCHED_BYTES).split(b"\n")
    except OSError:
        # Nothing can be read: the crash is then told by its exit code alone.
        return [], 0
    if raw[-1] == b"":
        raw.pop()
    if start:
        # The first one has been cut, and nobody knows how many stand before it.
        del raw[:1]
    first = max(0, len(raw) - SEARCHED)
    lines = [
        _line(None if start else number, text, look)
        for number, text in enumerate(raw[first:], start=first + 1)
    ]
    return _of_last_start(lines, look), 0 if start else len(raw)


def _line(number: int | None, raw: bytes, look: Log) -> Line:
    # A progress bar rewrites its line: what stands there in the end is what it says.
    # Where a long log was given back to the disk, it reads as zeros.
    text = raw.strip(b"\0\r").decode("utf-8", "replace").rpartition("\r")[2]
    return Line(number, look.plain(text).rstrip(), look.writer(text))


def _of_last_start(lines: list[Line], look: Log) -> list[Line]:
    """Leave out what an earlier start has written into the same log."""
    for at in range(len(lines) - 1, -1, -1):
        if look.is_first(lines[at].text):
            return lines[at:]
    return lines


def _first_match(engine: str, lines: Sequence[Line]) -> _Match | None:
    for rule in failures.rules(engine):
        for at in range(len(lines) - 1, -1, -1):
            found = rule.pattern.search(lines[at].text)
            if found:
                return _Match(rule, at, found.groupdict())
    return None


def _last_exception(lines: Sequence[Line], look: Log, *, any_line: bool) -> int | None:
    """Return where the last exception stands, else, with `any_line`, the last line of any kind.

    Neither is ever one of the wrappers that every failed start ends with.
    """
    told = [
        at for at, line in enumerate(lines) if line.text.strip() and not look.is_wrapper(line.text)
    ]
    exceptions = (at for at in reversed(told) if _EXCEPTION.match(lines[at].text.strip()))
    return next(exceptions, told[-1] if told and any_line else None)


def _excerpt(lines: Sequence[Line], at: int | None) -> tuple[str, ...]:
    """Return what leads to the decisive line, of the process that wrote it; else the last lines."""
    if at is None:
        same = [line.text for line in lines if line.text]
    else:
        by = lines[at].process
        same = [line.text for line in lines[: at + 1] if line.process == by and line.text]
    return tuple(text[:LONGEST] for text in same[-EXCERPT:])


def _told(rule: FailureRule, words: Words, plan: Plan) -> tuple[str, str, Try]:
    known = engines.options(Path(plan.argv[0]), plan.image)
    attempt = failures.attempt(rule.change, words, plan, known)
    return (
        failures.filled(rule.what, words) or rule.what,
        failures.first_known(rule.cause, words) or "",
        attempt or Try(""),
    )


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        # Most real-time signals have no name.
        return f"signal {number}"


def _unknown(exit_code: int | None, line: Line | None, words: Words) -> tuple[str, str, Try]:
    logs = Try("%aim logs -n 50")
    if exit_code == -signal.SIGKILL:
        causes = (
            "The kernel ended it for lack of memory: {memory_kill}.",
            "Somebody killed it: {no_memory_kill}.",
            "Likely the machine ran out of memory; the kernel's log would say.",
        )
        cause = failures.first_known(causes, words) or ""
        return "The engine was killed.", cause, Try("%aim doctor")
    if exit_code is not None and exit_code < 0:
        name = _signal_name(-exit_code)
        return f"The engine ended by {name}.", "No fix is known; the log may say more.", logs
    what = f"The engine ended with code {exit_code}" if exit_code else "The engine ended by itself"
    unknown = "Unknown: its log is empty." if line is None else f"Unknown. {_LAST}"
    by_kernel = "The kernel ended a process for lack of memory: {memory_kill}."
    return f"{what}.", failures.filled(by_kernel, words) or unknown, logs
