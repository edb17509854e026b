"""The logs of others that ended, and what a right card says of them."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from aim_jupyter.core.records import Crash, Plan
from aim_jupyter.core.serving.crash import crash
from tests.core.serving.state.test_starts import PLAN


class Case(NamedTuple):
    """A row of ``cases.csv``; its README says how it is judged."""

    id: str
    engine: str
    version: str
    exit_code: int
    log: Path
    causes: tuple[str, ...]
    lines: tuple[str, ...]
    wrong: tuple[str, ...]

    @property
    def plan(self) -> Plan:
        return replace(PLAN, engine=self.engine, engine_version=self.version, argv=())

    def explained(self) -> Crash:
        return crash.explain(self.plan, self.log, self.exit_code, "")

    def verdict(self, found: Crash) -> tuple[str, bool]:
        """Return ``right``, ``wrong`` or ``open``, and whether the line is the right one."""
        said = f"{found.what} {found.cause}"
        wrong = any(begins(word, said) for word in self.wrong)
        right = any(begins(word, said) for word in self.causes)
        line = not self.lines or any(word.lower() in found.line.lower() for word in self.lines)
        return "wrong" if wrong else "right" if right else "open", line


def begins(word: str, text: str) -> bool:
    """Whether a word of the text begins so."""
    return re.search(rf"(?<!\w){re.escape(word.lower())}", text.lower()) is not None


def read(folder: Path) -> list[Case]:
    """Return the cases of a folder, none where it is not there."""
    table = folder / "cases.csv"
    if not table.exists():
        return []
    rows = csv.DictReader(table.read_text().splitlines())
    return [
        Case(
            row["id"], row["engine"], row["engine_version"], int(row["exit_code"]),
            folder / row["file"], _words(row["cause_keywords"]), _words(row["line_keywords"]),
            _words(row["wrong_keywords"]),
        )
        for row in rows
    ]  # fmt: skip


def _words(cell: str) -> tuple[str, ...]:
    return tuple(filter(None, cell.split("|")))
