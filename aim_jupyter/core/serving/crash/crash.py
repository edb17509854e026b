"""From an engine's log to the parts of the crash card.

By their form (`traces`) the failures of the log are found, and which of them decides (`decisive`).
Rules are data (see `failures`) and say what it means. Where none does, its own line is shown and
the cause is unknown: a wrong one is worse.
"""

from __future__ import annotations

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
from aim_jupyter.core.serving.crash import failures, lines, matching, traces
from aim_jupyter.core.serving.crash.decisive import Ranked
from aim_jupyter.core.serving.crash.evidence import Memory, Words
from aim_jupyter.core.serving.crash.failures import Try
from aim_jupyter.core.serving.crash.lines import Line
from aim_jupyter.core.serving.crash.matching import Case, Match
from aim_jupyter.core.serving.crash.traces import Failure, Link

#: Lines that an excerpt has at most, and letters that are shown of one, and of the decisive line.
EXCERPT = 20
LONGEST = 400
LONGEST_LINE = 1200
#: Failures that a rule is looked for, and of those set aside that are named.
_ASKED, _NAMED = 40, 6
#: Last lines in which plain words may say why an engine ended.
_LAST_WORDS = 3

#: What docker and podman end with that could not run a container, and how their reason begins.
_NOT_RUN = (125, 126, 127)
_REFUSAL = re.compile(r"^(docker: |Error: |Error response from daemon: )")
#: Signals that ask a program to end.
_ENDING = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT)
_ASKED_TO_END = (
    "It was asked to end: by somebody, or by what runs it (a job, a container, a session)."
)
_LAST = "Its last lines are what there is to go by."
#: The first line of such an exception says nothing by itself.
_COUNTS = re.compile(r"ValidationError: \d+ validation errors? for")
_TELLING = re.compile(r"\s*Value error, |\s*Assertion failed, |\S.*(?:Error|Exception)\b.*:")


class _Told(NamedTuple):
    """What is known of an end: where it stands, which failure it is, and the rule."""

    at: int | None = None
    failure: Failure | None = None
    match: Match | None = None
    passed: tuple[tuple[str, str], ...] = ()


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
    read = lines.last(log, look)
    if plan.image is not None and exit_code in _NOT_RUN and (said := _refusal(read.lines)):
        error = engines.refusal(plan.image.program, said)
        return replace(refused(error), log_lines=read.total, cleaned_up=cleaned_up)
    killed = exit_code is not None and exit_code < 0
    told = _told_by(plan.engine, read.lines, look, killed=killed)
    if told.match is None and (told.failure is None or told.failure.kind != "raised"):
        earlier = lines.further(log, look)
        before_end = _told_by(plan.engine, earlier.lines, look, killed=killed, ends_only=True)
        if before_end.failure is not None:
            read, told = earlier._replace(total=earlier.total or read.total), before_end
    found = _crash(plan, read, told, exit_code, (before, port))
    return replace(found, cleaned_up=cleaned_up)


def _crash(
    plan: Plan,
    read: lines.Read,
    told: _Told,
    exit_code: int | None,
    seen: tuple[Memory | None, int | None],
) -> Crash:
    match = told.match
    decisive = read.lines[told.at] if told.at is not None else None
    text = _shown(read.lines, told) if decisive else ""
    words = Words(match.groups if match else {}, plan, *seen, line=text)
    what, cause, attempt = (
        _said(match.rule, words, plan) if match else _unknown(exit_code, text, words)
    )
    stage = matching.stage_at(plan.engine, read.lines, told.at) if told.at is not None else None
    killed = exit_code is not None and exit_code < 0
    return Crash(
        what=what,
        line=text,
        line_number=decisive.number if decisive else None,
        log_lines=read.total,
        process=_process(read.lines, told),
        stage=stage,
        cause=cause,
        try_line=attempt.line,
        try_change=attempt.change,
        try_reason=attempt.because,
        known=match is not None or (killed and told.failure is None),
        excerpt=_excerpt(read.lines, told),
        ruled_out=tuple(
            f"{line}: {why}" for line, why in told.passed if not text or line[:80] not in text
        ),
    )


def _process(found: Sequence[Line], told: _Told) -> str:
    """Return who wrote the decisive line, else whose failure it explains."""
    if told.at is None:
        return ""
    owner = told.failure.at if told.failure else told.at
    return found[told.at].process or found[owner].process


def _refusal(found: Sequence[Line]) -> str:
    """Return why the engine's container could not be run, empty where the log does not say."""
    return "\n".join(line.text for line in found if _REFUSAL.match(line.text))


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
    look = adapters.of(engine).log
    match = _told_by(engine, lines.last(log, look).lines, look, killed=False).match
    return match is not None and match.rule.port_taken


def _told_by(
    engine: str, found: Sequence[Line], look: Log, *, killed: bool, ends_only: bool = False
) -> _Told:
    """Return what decides, of the failures in these lines."""
    ranked = Ranked(found, traces.find(found, look), look)
    passed = _passed(found, ranked)
    first = ranked.ends[:1] or ranked.bare[: 0 if ends_only else 1]
    if not first and not ends_only:
        # What was killed by a signal, or seen to die, need not have ended by what it went on after.
        first = [] if killed or ranked.deaths else ranked.others[:1]
    for failure in first:
        ended = bool(ranked.ends or ranked.bare)
        match = matching.matched(engine, _case(engine, found, failure), ended=ended)
        at = match.at if match else _telling(found, failure)
        return _Told(at, failure, match, passed)
    if ends_only:
        return _Told()
    return _by_hints(engine, found, ranked, passed, killed=killed)


def _by_hints(
    engine: str,
    found: Sequence[Line],
    ranked: Ranked,
    passed: tuple[tuple[str, str], ...],
    *,
    killed: bool,
) -> _Told:
    """Return what a rule knows of what is left; else the last line that says something."""
    hints = [*ranked.hints, *ranked.wrappers][:_ASKED]
    for failure in hints:
        match = matching.matched(engine, _case(engine, found, failure))
        if match is not None:
            return _Told(match.at, failure, match, passed)
    if ranked.hints:
        failure = ranked.deaths[0] if ranked.deaths else ranked.hints[-1]
        return _Told(_telling(found, failure), failure, None, passed)
    if killed:
        return _Told(passed=passed)
    wrapped = {at for each in ranked.wrappers for at in range(each.at, each.end + 1)}
    told = [at for at, line in enumerate(found) if line.text.strip() and at not in wrapped]
    for at in reversed(told[-_LAST_WORDS:]):
        # Nothing in it has the form of a failure: an engine that says in plain words why it ends.
        plain = Failure("error", at, at, found[at].stream, (Link((at,)),))
        match = matching.matched(engine, _case(engine, found, plain))
        if match is not None:
            return _Told(match.at, plain, match, passed)
    return _Told(told[-1] if told else None, None, None, passed)


def _case(engine: str, found: Sequence[Line], failure: Failure) -> Case:
    return Case(found, failure, matching.stage_at(engine, found, failure.at))


def _telling(found: Sequence[Line], failure: Failure) -> int:
    """Return which line of a failure that no rule knows says most: of the root cause."""
    first, *below = failure.links[0].lines
    text = found[first].text
    if below and (_COUNTS.search(text) or text.rstrip().endswith(("raised:", "errors:"))):
        return next((at for at in below if _TELLING.match(found[at].text)), below[0])
    return first


def _shown(found: Sequence[Line], told: _Told) -> str:
    """Return the decisive line as it is shown: with the code of a bare one, whole."""
    assert told.at is not None  # noqa: S101 - for the type checker
    text = found[told.at].text.strip()
    for link in told.failure.links if told.failure else ():
        if told.at not in link.lines:
            continue
        if told.at == link.lines[0]:
            text = next(said for _, said in matching.said(link, found)).strip()
            last = found[link.lines[-1]].text.strip()
            if "CompilationError" in text and len(link.lines) > 1:
                text = f"{text} … {last}"
        elif "CompilationError" in found[link.lines[0]].text:
            text = f"{found[link.lines[0]].text.strip()} … {text}"
    return text[:LONGEST_LINE]


def _passed(found: Sequence[Line], ranked: Ranked) -> tuple[tuple[str, str], ...]:
    """Return what else failed, and why it does not decide."""
    reasons = (
        (ranked.ends[1:], "it came after"),
        (ranked.others, "its process went on after it"),
        (ranked.hints, "it follows from a failure, or only reports one"),
        (ranked.wrappers, "it says only that something else failed"),
    )
    seen: dict[str, str] = {}
    for group, why in reasons:
        for failure in group:
            text = found[failure.links[0].lines[0]].text.strip()[:LONGEST]
            seen.setdefault(text, why)
    if ranked.ends:
        # The same again, in the words of another process.
        seen.pop(found[ranked.ends[0].links[0].lines[0]].text.strip()[:LONGEST], None)
    return tuple(seen.items())[:_NAMED]


def _excerpt(found: Sequence[Line], told: _Told) -> tuple[str, ...]:
    """Return what leads to the decisive line, of the process that wrote it; else the last lines."""
    if told.at is None:
        same = [line.text for line in found if line.text]
    else:
        by = found[told.at].process
        inside = range(told.failure.at, told.at + 1) if told.failure else ()
        same = [
            line.text
            for at, line in enumerate(found[: told.at + 1])
            if line.text and (line.process == by or (at in inside and not line.process))
        ]
    return tuple(text[:LONGEST] for text in same[-EXCERPT:])


def _said(rule: FailureRule, words: Words, plan: Plan) -> tuple[str, str, Try]:
    known = engines.options(Path(plan.argv[0]), plan.image) if plan.argv else ()
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


def _unknown(exit_code: int | None, line: str, words: Words) -> tuple[str, str, Try]:
    logs = Try("%aim logs -n 50")
    if line and not (exit_code is not None and exit_code < 0):
        pass
    elif exit_code == -signal.SIGKILL:
        causes = (
            "The kernel ended it for lack of memory: {memory_kill}.",
            "Somebody killed it: {no_memory_kill}.",
            "Likely the machine ran out of memory; the kernel's log would say.",
        )
        cause = "Unknown. Its line is what there is to go by." if line else ""
        cause = cause or failures.first_known(causes, words) or ""
        return "The engine was killed.", cause, Try("%aim doctor")
    elif exit_code is not None and exit_code < 0:
        name = _signal_name(-exit_code)
        cause = _ASKED_TO_END if -exit_code in _ENDING else "No fix is known; the log may say more."
        return f"The engine ended by {name}.", cause, logs
    what = f"The engine ended with code {exit_code}" if exit_code else "The engine ended by itself"
    unknown = f"Unknown. {_LAST}" if line else "Unknown: its log is empty."
    by_kernel = "The kernel ended a process for lack of memory: {memory_kill}."
    return f"{what}.", failures.filled(by_kernel, words) or unknown, logs
