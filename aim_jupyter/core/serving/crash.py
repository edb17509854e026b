"""From an engine's log to the parts of the crash card.

Rules are data (``failures.toml``). Where none matches, the decisive line is the last exception of
the log that is not one of the wrappers which say only that something else failed.
"""

from __future__ import annotations

import functools
import re
import signal
import tomllib
from collections import deque
from pathlib import Path
from typing import NamedTuple

from aim_jupyter.core.records import Crash, Plan
from aim_jupyter.core.serving.stages import plain

#: How many lines of the log's end are searched.
SEARCHED = 2000

_EXCEPTION = re.compile(r"^(?:[\w.]+\.)?\w*(?:Error|Exception): .+")
_WRAPPERS = re.compile(
    r"Engine core initialization failed|WorkerProc initialization failed|"
    r"EngineCore failed to start|EngineCore encountered an issue|cancelled by"
)


class Failure(NamedTuple):
    """One row of ``failures.toml``."""

    match: re.Pattern[str]
    what: str
    cause: str
    try_line: str
    port_taken: bool


class Line(NamedTuple):
    """A line of the log with its number, counted from 1."""

    number: int
    text: str


def explain(plan: Plan, log: Path, exit_code: int | None, cleaned_up: str) -> Crash:
    """Return why the engine ended that nobody asked to end.

    Parameters
    ----------
    exit_code : int or None
        Negative for a signal, as in `subprocess`; None where nobody could see it.
    """
    lines, count = _last_lines(log)
    rule, line, groups = _first_match(plan.engine, lines)
    if rule is None:
        line = _last_exception(lines)
        what, cause, try_line = _unknown(exit_code, line)
    else:
        words = {**groups, "model": plan.model}
        what, cause, try_line = (
            text.format_map(words) for text in (rule.what, rule.cause, rule.try_line)
        )
    return Crash(
        what=what,
        line=line.text[:400] if line else "",
        line_number=line.number if line else None,
        log_lines=count,
        cause=cause,
        try_line=try_line,
        cleaned_up=cleaned_up,
    )


def port_was_taken(engine: str, log: Path) -> bool:
    """Whether the log says that the engine could not have its port."""
    rule, _, _ = _first_match(engine, _last_lines(log)[0])
    return rule is not None and rule.port_taken


@functools.cache
def _failures(engine: str) -> tuple[Failure, ...]:
    table = tomllib.loads(Path(__file__).with_name("failures.toml").read_text())
    return tuple(
        Failure(
            re.compile(row["match"]),
            row["what"],
            row["cause"],
            row["try"],
            row.get("port_taken", False),
        )
        for row in table.get(engine, [])
    )


def _last_lines(log: Path) -> tuple[list[Line], int]:
    kept: deque[Line] = deque(maxlen=SEARCHED)
    count = 0
    try:
        with log.open(encoding="utf-8", errors="replace") as file:
            for count, text in enumerate(file, start=1):
                kept.append(Line(count, plain(text.rstrip("\n")).strip()))
    except OSError:
        # Nothing can be read: the crash is then told by its exit code alone.
        pass
    return list(kept), count


def _first_match(
    engine: str, lines: list[Line]
) -> tuple[Failure | None, Line | None, dict[str, str]]:
    for rule in _failures(engine):
        for line in reversed(lines):
            found = rule.match.search(line.text)
            if found:
                return rule, line, found.groupdict()
    return None, None, {}


def _last_exception(lines: list[Line]) -> Line | None:
    for line in reversed(lines):
        if _EXCEPTION.match(line.text) and not _WRAPPERS.search(line.text):
            return line
    return next((line for line in reversed(lines) if line.text), None)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        # Most real-time signals have no name.
        return f"signal {number}"


def _unknown(exit_code: int | None, line: Line | None) -> tuple[str, str, str]:
    if exit_code == -signal.SIGKILL:
        return (
            "The engine was killed.",
            "Likely the machine ran out of memory; the kernel's log would say.",
            "%aim doctor",
        )
    if exit_code is not None and exit_code < 0:
        name = _signal_name(-exit_code)
        return f"The engine ended by {name}.", "No fix is known; the log may say more.", "%aim logs"
    what = (
        f"The engine ended with code {exit_code}." if exit_code else "The engine ended by itself."
    )
    cause = (
        "Unknown. The decisive line is the log's last error."
        if line
        else "Unknown: the log is empty."
    )
    return what, cause, "%aim logs -n 50"
