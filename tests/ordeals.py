"""Which ordeals a run takes: all, those that are named, or what one landing can afford.

    python -m tests.ordeals [NAME ...]      # those, else all
    python -m tests.ordeals --landing 40    # as .ci/run does: what 40 minutes can afford

A landing takes one of `SHARES` shares of the table, which the commit's hash draws, so that each
ordeal runs in every seventh landing on average, whatever was touched. What is left of its minutes
goes to the ordeals whose paths were touched in the 24 hours before its commit: those that guard
the fewest files come first.
"""

from __future__ import annotations

import argparse
import functools
import subprocess
import sys
import tomllib
from collections.abc import Collection, Iterable, Mapping, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import Struct

from tests import running

ROOT = Path(__file__).parents[1]
TABLE = Path(__file__).with_name("ordeals.toml")
SHARES = 7
#: Minutes that a landing can always afford: what takes more makes .ci/run too long for good.
LANDING_MIN, SHARE_MIN = 40.0, 30.0


class Ordeal(Struct, frozen=True, forbid_unknown_fields=True):
    """One row of ``ordeals.toml``, whose head explains the columns."""

    name: str
    tests: tuple[str, ...]
    guards: tuple[str, ...]
    minutes: float

    def holds(self, test: str) -> bool:
        """Whether a test belongs to it, by pytest's id."""
        return f"{test}/".startswith(tuple(f"{one}{end}" for one in self.tests for end in "/:["))

    def guarded(self, paths: Iterable[str]) -> int:
        """Return how many of the paths it guards."""
        return sum(any(fnmatch(path, guard) for guard in self.guards) for path in paths)


class Chosen(NamedTuple):
    """What a landing takes, and what it should but can't afford."""

    touched: list[Ordeal]
    share: list[Ordeal]
    left_out: list[Ordeal]


@functools.cache
def table() -> tuple[Ordeal, ...]:
    """Return all ordeals, in the order of the file."""
    rows = tomllib.loads(TABLE.read_text())["ordeal"]
    return msgspec.convert(rows, tuple[Ordeal, ...])


def shares(rows: Iterable[Ordeal]) -> list[list[Ordeal]]:
    """Return the rows in `SHARES` parts that take about as long as each other."""
    parts: list[list[Ordeal]] = [[] for _ in range(SHARES)]
    for row in sorted(rows, key=lambda one: (-one.minutes, one.name)):
        min(parts, key=minutes).append(row)
    return parts


def minutes(rows: Iterable[Ordeal]) -> float:
    """Return how long they take together."""
    return sum(row.minutes for row in rows)


def chosen(
    rows: Sequence[Ordeal],
    touched: Collection[str],
    tracked: Collection[str],
    commit: str,
    most: float = LANDING_MIN,
) -> Chosen:
    """Return what the landing of a commit takes.

    Parameters
    ----------
    touched, tracked : collection of str
        Paths that were changed of late, and all there are.
    commit : str
        Its hash, in hexadecimal.
    most : float
        Minutes that it has for them.
    """
    share = shares(rows)[drawn(commit)]
    hit = [row for row in rows if row.guarded(touched)]
    hit.sort(key=lambda row: row.guarded(tracked))
    taken: list[Ordeal] = []
    for row in dict.fromkeys([*share, *hit]):
        if minutes([*taken, row]) <= min(most, LANDING_MIN):
            taken.append(row)
    return Chosen(
        touched=[row for row in hit if row in taken],
        share=[row for row in share if row in taken and row not in hit],
        left_out=[row for row in dict.fromkeys([*share, *hit]) if row not in taken],
    )


def drawn(commit: str) -> int:
    """Return the number of the share that a commit's hash draws, from 0."""
    return int(commit, 16) % SHARES


def told(took_s: Mapping[str, float]) -> list[str]:
    """Return a line for each ordeal that ran: what it took, and what the table says.

    Parameters
    ----------
    took_s : mapping
        Seconds by pytest's id of a test.
    """
    rows = {row: [took_s[test] for test in took_s if row.holds(test)] for row in table()}
    return [
        f"ordeal {row.name}: {sum(each) / 60:.1f} min, in the table {row.minutes:g}"
        for row, each in rows.items()
        if each
    ]


def _landing(most: float) -> list[Ordeal]:
    commit, when = _git("log", "-1", "--format=%H %ct").split()
    since = f"--since={int(when) - 24 * 3600}"
    touched = set(_git("log", since, "--name-only", "--format=").splitlines())
    found = chosen(table(), touched, _git("ls-files").splitlines(), commit, most)
    _say("touched in the last 24 hours", found.touched)
    _say(f"share {drawn(commit) + 1} of {SHARES}, drawn by commit {commit[:12]}", found.share)
    _say("left to later landings", found.left_out)
    return [*found.touched, *found.share]


def _say(what: str, rows: Sequence[Ordeal]) -> None:
    names = ", ".join(f"{row.name} ({row.minutes:g})" for row in rows) or "none"
    sys.stdout.write(f"ordeals, {what}: {names}; {minutes(rows):g} minutes\n")
    sys.stdout.flush()


def _git(*words: str) -> str:
    return subprocess.run(
        ["git", "-C", str(ROOT), *words], check=True, capture_output=True, text=True
    ).stdout


def main() -> int:
    """Run what is asked for, and return what the shell is told."""
    known = {row.name: row for row in table()}
    parser = argparse.ArgumentParser(prog="python -m tests.ordeals", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(known))
    parser.add_argument("--landing", type=float, metavar="MINUTES", help="what these can afford")
    given = parser.parse_args()
    if unknown := [name for name in given.names if name not in known]:
        parser.error(f"there is no ordeal {unknown[0]}, but {', '.join(known)}")
    if given.landing is None:
        rows = [known[name] for name in given.names or known]
    else:
        rows = _landing(given.landing)
    return running.run(["-m", "ordeal"], tests=[test for row in rows for test in row.tests])


if __name__ == "__main__":
    sys.exit(main())
