"""Runs tests, and those that failed once more, alone: what passes then is shaky, and said to be.

    python -m tests.running [PYTEST'S ARGUMENTS]

A shaky test is a race, in the test or in the product. More than `MOST` of them fail the run, and so
does one that stands in ``shaky.txt``: it was shaky in an earlier landing, and nobody has mended it.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
KNOWN = Path(__file__).with_name("shaky.txt")
MOST = 3
SLOWEST = "--durations=20"
_FAILED = 1  # pytest's word for tests that failed; anything above is no matter of luck


def run(
    options: Sequence[str], root: Path = ROOT, known: Path = KNOWN, tests: Sequence[str] = ()
) -> int:
    """Run pytest in `root`, a second time for what failed, and return what the shell is told."""
    answer = _pytest([*options, *tests, SLOWEST, "--cache-clear"], root)
    failed = _failed(root)
    if answer != _FAILED or not failed:
        return answer
    _say(f"{len(failed)} failed: once more, without neighbours")
    # By their ids: pytest knows none of them any more where `tests` and --last-failed meet.
    _pytest([*options, *sorted(failed), "-n0", "-rP"], root)
    shaky = failed - _failed(root)
    if shaky:
        _say("shaky: failed above, passed alone (both outputs stand above)", sorted(shaky))
        _say("mend them first, or write them into tests/shaky.txt")
    return verdict(failed, shaky, names(known))


def verdict(failed: Collection[str], shaky: Collection[str], known: Collection[str]) -> int:
    """Return 1 where more failed than a landing may have."""
    again = sorted(set(shaky) & set(known))
    if again:
        _say("shaky in an earlier landing too: that fails the run", again)
    if len(shaky) > MOST:
        _say(f"{len(shaky)} shaky tests, at most {MOST}: that fails the run")
    return int(bool(again) or len(shaky) > MOST or len(failed) > len(shaky))


def names(known: Path) -> set[str]:
    """Return the tests that were shaky in earlier landings."""
    lines = (line.partition("#")[0].strip() for line in known.read_text().splitlines())
    return set(filter(None, lines))


def _pytest(arguments: Sequence[str], root: Path) -> int:
    return subprocess.run(
        [sys.executable, "-m", "pytest", *arguments], cwd=root, check=False
    ).returncode


def _failed(root: Path) -> set[str]:
    """Return the ids of what failed in the last run, by pytest's own notes."""
    notes = root / ".pytest_cache/v/cache/lastfailed"
    return set(json.loads(notes.read_text())) if notes.exists() else set()


def _say(what: str, names: Sequence[str] = ()) -> None:
    sys.stdout.write("".join(f"{line}\n" for line in (f"== {what}", *names)))
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(run(sys.argv[1:]))
