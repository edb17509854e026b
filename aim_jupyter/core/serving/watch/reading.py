"""What a supervisor has read of its engine's log: how far, how much, and how far the start is."""

from __future__ import annotations

import time
from typing import Any

from aim_jupyter.core.records import ServerRecord
from aim_jupyter.core.serving.state.folder import ServerFolder
from aim_jupyter.core.serving.watch import retention
from aim_jupyter.core.serving.watch.stages import LogReader, StageTracker

#: Bytes of the log that are read for stages in one look; what is beyond them is only counted.
READ_BYTES = 8 << 20
#: Seconds after which a look at a log that grows faster than it is read comes to its end.
READ_S = 1.0
_LONGEST = 200


class Reading:
    """Read an engine's log on and on, from where the record of its server ends.

    Parameters
    ----------
    folder : ServerFolder
    record : ServerRecord
        What an earlier supervisor has read, and what came of it.

    Attributes
    ----------
    tracker : StageTracker
        The stages so far.
    """

    def __init__(self, folder: ServerFolder, record: ServerRecord) -> None:
        self._folder = folder
        self._engine = record.plan.engine
        self._log = LogReader(folder.log, record.log_offset)
        self._lines = record.log_lines
        self._last = record.log_last
        self.tracker = StageTracker(self._engine, record.stages, record.facts, record.tasks)

    def facts(self) -> dict[str, Any]:
        """Return what the record says of it; all of one moment."""
        return {
            "stages": tuple(self.tracker.stages),
            "facts": dict(self.tracker.facts),
            "tasks": self.tracker.tasks,
            "log_lines": self._lines,
            "log_last": self._last,
            "log_offset": self._log.offset,
        }

    def read(self, *, starting: bool) -> bool:
        """Read what is new; return whether anything that the card of a start shows has changed."""
        before, changed = self._lines, False
        end = time.monotonic() + READ_S
        while (behind := self._log.behind_bytes()) and time.monotonic() < end:
            if starting and behind <= READ_BYTES:
                for line in self._log.new_lines():
                    self._note(1, line)
                    changed |= self._feed(line)
            else:
                self._note(*self._log.count_new())
        return changed or (starting and self._lines > before)

    @property
    def behind(self) -> bool:
        """Whether the log grew faster than the last look read it."""
        return self._log.behind_bytes() > READ_BYTES

    def forget_start(self) -> None:
        """Begin the stages anew; what the log says so far is of an earlier start."""
        self._log.skip()
        self.tracker = StageTracker(self._engine)

    def excess_bytes(self) -> int:
        """Return up to which byte the log is to be given back, 0 where it is small enough."""
        return min(retention.excess(self._folder.log), self._log.offset)

    def give_back(self, until: int) -> None:
        """Give back the disk space of the log before the byte `until`, and say if that cost lines.

        The record must have been written before: who takes over would else begin in the hole.
        """
        try:
            if retention.give_back(self._folder.log, until):
                return
            self._log.skip()
            words = "the log was cut to its end; a few lines may be lost"
        except OSError as error:
            words = f"the log can't be cut: {error.strerror or error}"
        self._folder.events.add("health", words, level="warning")

    def _note(self, lines: int, last: str) -> None:
        if lines:
            self._lines += lines
            self._last = last.strip()[-_LONGEST:]

    def _feed(self, line: str) -> bool:
        before = self.tracker.stages[-1].stage
        changed = self.tracker.feed(line, time.time())
        if self.tracker.stages[-1].stage != before:
            self._note_stage(before)
        return changed

    def _note_stage(self, ended: str) -> None:
        took_s = next(s.took_s for s in self.tracker.stages if s.stage == ended)
        self._folder.events.add("stage", f"{ended} done", stage=ended, took_s=took_s)
