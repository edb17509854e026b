"""How far a start is, read from the engine's log.

`LogReader` yields the new lines of a growing file; `StageTracker` turns lines into stages with
times, by the rules of the engine's adapter.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec.structs import replace

from aim_jupyter.core import adapters
from aim_jupyter.core.adapters import StageRule
from aim_jupyter.core.records import STAGES, Stage, StageTime

_WORD = re.compile(r"[a-z_&]{1,40}")
_MOST_TASKS = 32
_NEWLINES = bytes.maketrans(b"\r", b"\n")


class LogReader:
    """The lines of a file that is being written; carriage returns end lines as well.

    Parameters
    ----------
    path : pathlib.Path
    offset : int
        Where the first line begins.
    """

    def __init__(self, path: Path, offset: int = 0) -> None:
        self._path = path
        self._offset = offset
        self._rest = b""

    @property
    def offset(self) -> int:
        """Where the first line begins that was not yielded."""
        return self._offset - len(self._rest)

    def skip(self) -> None:
        """Leave out what is there now."""
        self._offset, self._rest = 0, b""
        with contextlib.suppress(FileNotFoundError):
            self._offset = self._path.stat().st_size

    def behind_bytes(self) -> int:
        """Return how much was added since the last call of `new_lines`."""
        try:
            return self._path.stat().st_size - self._offset
        except FileNotFoundError:
            return 0

    def new_lines(self, limit_bytes: int = 1 << 20) -> Iterator[str]:
        """Yield the complete lines that were added since the last call, at most `limit_bytes`."""
        for part in self._new_parts(limit_bytes):
            if part:
                yield part.decode("utf-8", "replace")

    def count_new(self, limit_bytes: int = 1 << 20) -> tuple[int, str]:
        """Return how many such lines there are, and the last: a flood is not worth decoding."""
        parts = self._new_parts(limit_bytes)
        last = next((part for part in reversed(parts) if part), b"")
        return len(parts) - parts.count(b""), last.decode("utf-8", "replace")

    def _new_parts(self, limit_bytes: int) -> list[bytes]:
        try:
            with self._path.open("rb") as file:
                if self._offset > os.fstat(file.fileno()).st_size:
                    # Somebody has emptied it.
                    self._offset, self._rest = 0, b""
                file.seek(self._offset)
                data = file.read(limit_bytes)
        except FileNotFoundError:
            return []
        self._offset += len(data)
        text = self._rest + data if self._rest else data
        parts = (text.translate(_NEWLINES) if b"\r" in text else text).split(b"\n")
        self._rest = parts.pop()
        return parts


class StageTracker:
    """The stages of one start, in order, each with its time.

    Parameters
    ----------
    engine : str
        Whose log it is.
    stages, facts, tasks
        What was read so far, by a supervisor that this one follows.
    """

    def __init__(
        self,
        engine: str,
        stages: Iterable[StageTime] = (),
        facts: Mapping[str, float] | None = None,
        tasks: tuple[str, ...] = (),
    ) -> None:
        adapter = adapters.of(engine)
        self._log, self._rules = adapter.log, adapter.stages
        self.stages: list[StageTime] = list(stages)
        self.facts: dict[str, float] = dict(facts or {})
        self.tasks = tasks

    def enter(self, stage: Stage, now: float, detail: str = "") -> bool:
        """Begin `stage` unless it, or a later one, has begun. Return whether it began now.

        What waits in a line has downloaded its model before: that stage alone may come late.
        """
        last = self.stages[-1].stage if self.stages else None
        late = stage == "queued" and last == "download"
        if last is not None and not late and STAGES.index(stage) <= STAGES.index(last):
            return False
        self.finish(now)
        self.stages.append(StageTime(stage=stage, began_at=now, detail=detail))
        return True

    def finish(self, now: float) -> None:
        """End the stage that runs."""
        if self.stages and self.stages[-1].took_s is None:
            last = self.stages[-1]
            self.stages[-1] = replace(
                last, took_s=round(max(0.0, now - last.began_at), 3), fraction=None
            )

    def note(self, detail: str, fraction: float | None = None) -> None:
        """Say more about the stage that runs."""
        last = self.stages[-1]
        self.stages[-1] = replace(last, detail=detail or last.detail, fraction=fraction)

    def feed(self, line: str, now: float) -> bool:
        """Take one log line; return whether anything that a card shows has changed."""
        text = self._log.plain(line)
        for rule in self._rules:
            found = rule.pattern.search(text)
            if found:
                return self._apply(rule, found, now)
        return False

    def _apply(self, rule: StageRule, found: re.Match[str], now: float) -> bool:
        groups = {name: value for name, value in found.groupdict().items() if value is not None}
        for fact, group in rule.facts.items():
            # A log holds anything: what looks like a number need not be one.
            with contextlib.suppress(ValueError):
                self.facts[fact] = float(groups[group].replace(",", ""))
        if rule.tasks:
            self.tasks = tuple(_WORD.findall(groups[rule.tasks])[:_MOST_TASKS])
        changed = self.enter(rule.stage, now)
        if self.stages[-1].stage == rule.stage and rule.detail:
            self.note(rule.detail.format_map(groups), _fraction(groups))
            changed = True
        return changed


def _fraction(groups: dict[str, str]) -> float | None:
    if "done" in groups and "of" in groups and float(groups["of"]):
        return min(1.0, float(groups["done"]) / float(groups["of"]))
    return min(1.0, float(groups["percent"]) / 100) if "percent" in groups else None
