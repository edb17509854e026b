"""What a launch card says at the end of a server: stopping, stopped, failed, or not known."""

from __future__ import annotations

from collections.abc import Sequence

from aim_jupyter.core.records import Crash, ServerView
from aim_jupyter.core.request import words as asking
from aim_jupyter.render import words
from aim_jupyter.render.facts import Fact

_NO_FIX = "no fix is known; the log has the rest"
_UNKNOWN = "Its supervisor does not answer, so what is left of it can't be told."


def ending(view: ServerView) -> tuple[str, str]:
    """Return the right side of the head: the figure that matters, and what is said after it."""
    record = view.record
    if record.ended_at is None:
        return "", ""
    if record.state == "failed" and record.ready_at is None:
        where = f"failed in {record.stage}" if record.stage else "failed"
        return where, f" after {words.duration(record.ended_at - record.created_at)}"
    ran = record.ended_at - (record.ready_at or record.created_at)
    return record.state, f" after {words.duration(ran)}"


def facts(view: ServerView) -> list[Fact]:
    """Return what there is to say in the state that the server is in."""
    if view.record.state == "failed":
        return _failed(view, crash(view))
    if view.record.state == "unknown":
        end = f"%aim stop {words.argument(view.record.name)}"
        why = Fact(name="Unknown", said=view.record.reason or _UNKNOWN)
        return [why, _command("Try", end, "ends what is left of it, and checks that nothing is")]
    if view.record.state == "stopping":
        return [Fact(name="Stopping", said=view.record.reason or "running requests end first")]
    why = Fact(name="Stopped", said=view.record.reason or "nothing says why")
    return [why, _command("Again", asking.again(view.record.plan))]


def crash(view: ServerView) -> Crash:
    """Return why a server failed, as far as it is known."""
    return view.record.crash or Crash(what=view.record.reason or "It ended; nothing says why.")


def _failed(view: ServerView, crash: Crash) -> list[Fact]:
    found = [Fact(name="What happened", said=crash.what, kind="strong")]
    if crash.line:
        where = _where(crash)
        name, said = ("Decisive line", crash.line) if crash.known else _last_words(crash)
        found.append(Fact(name=name, said=said, kind="log", notes=where))
    if crash.cause:
        found.append(Fact(name="Cause", said=crash.cause))
    if crash.try_line:
        return [*found, _command("Try", crash.try_line, crash.try_reason, mark=crash.try_change)]
    return [*found, _command("Try", f"%aim logs {words.argument(view.record.name)}", _NO_FIX)]


def _last_words(crash: Crash) -> tuple[str, str]:
    """Return what there is to go by where nobody knows the failure."""
    return "Last lines", "\n".join(crash.excerpt or (crash.line,))


def _where(crash: Crash) -> tuple[str, ...]:
    of = f" of {words.number(crash.log_lines)}" if crash.log_lines else ""
    number = "" if crash.line_number is None else f"line {words.number(crash.line_number)}{of}"
    process = f"{crash.process} process" if crash.process else ""
    return tuple(filter(None, [" · ".join(filter(None, [number, process]))]))


def _command(name: str, line: str, *notes: str, mark: str = "") -> Fact:
    said = tuple(filter(None, notes))
    return Fact(name=name, said=line, kind="command", mark=mark, notes=said)


def traceback(crash: Crash) -> Sequence[str]:
    """Return the lines of the log that lead to the decisive one; nothing where they are shown."""
    return crash.excerpt if crash.known and len(crash.excerpt) > 1 else ()
