"""Two hours of twenty users on a captured node: no GPU is given twice, and nobody starves."""

from __future__ import annotations

import itertools
import os
import secrets
import statistics
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from tests.core.gpus import captured
from tests.core.leases import line_life
from tests.core.leases.children import needs_root

PROGRAM = Path(line_life.__file__)
#: Two hours, of which each minute takes two seconds.
SECONDS = 240.0
#: Columns of the picture.
WIDE = 96


class Life:
    """What the record says."""

    def __init__(self, record: Path) -> None:
        self.holds: list[tuple[str, float, float, str]] = []
        self.waits: dict[str, list[float]] = defaultdict(list)
        self.idle_s = self.late_s = self.rebooted_at = 0.0
        asked: dict[str, float] = {}
        open_: dict[tuple[str, str], float] = {}
        for line in record.read_text().splitlines():
            at, what, who, keys = line.split(" ")
            if what == "idle":
                self.idle_s, self.late_s = float(who), float(keys)
            elif what == "rebooted":
                self.rebooted_at = float(at)
            elif what == "asked":
                asked[who] = float(at)
            elif what == "took":
                self.waits[who].append(float(at) - asked.pop(who))
                open_ |= {(who, key): float(at) for key in keys.split(",")}
            else:
                # Who is killed holds until then at least; what was asked is asked anew.
                for one in [one for one in open_ if one[0] == who]:
                    self.holds.append((one[1], open_.pop(one), float(at), who))
                if what == "killed" and who in asked:
                    self.waits[who].append(float(at) - asked.pop(who))

    def shares(self) -> list[float]:
        """Return the device seconds of each user since what they had was last known."""
        had = dict.fromkeys(range(len(line_life.USERS)), 0.0)
        since = [hold for hold in self.holds if hold[1] > self.rebooted_at]
        for _, began, ended, who in since:
            had[int(who.partition(".")[0])] += ended - began
        return list(had.values())

    def jobs(self) -> list[float]:
        """Return the device seconds of the longest job of each user: no share can be finer."""
        longest = dict.fromkeys(range(len(line_life.USERS)), 0.0)
        for _, began, ended, who in self.holds:
            user = int(who.partition(".")[0])
            longest[user] = max(longest[user], (ended - began) * line_life.USERS[user][1])
        return list(longest.values())

    def twice(self) -> list[str]:
        """Return what was held by two at a time."""
        found = []
        by_key = defaultdict(list)
        for key, began, ended, who in self.holds:
            by_key[key].append((began, ended, who))
        for key, holds in by_key.items():
            holds.sort()
            for (_, ended, first), (began, _, second) in itertools.pairwise(holds):
                if began < ended:
                    found.append(f"{key} by {first} and {second}")
        return found

    def picture(self) -> str:
        """Return who held which device when, a letter a user, and how much each had."""
        first = min(began for _, began, _, _ in self.holds)
        last = max(ended for _, _, ended, _ in self.holds)
        rows = {key: ["·"] * WIDE for key, *_ in sorted(self.holds)}
        for key, began, ended, who in self.holds:
            letter = chr(ord("A") + int(who.partition(".")[0]))
            at = range(_column(began, first, last), _column(ended, first, last) + 1)
            for column in at:
                rows[key][column] = letter
        lines = [f"{key}  {''.join(row)}" for key, row in rows.items()]
        shares = self.shares()
        mean = statistics.mean(shares)
        for user, had in enumerate(shares):
            slots, count = line_life.USERS[user]
            bar = "█" * round(40 * had / mean)
            what = f"{slots} at a time, {count} GPU"
            lines.append(f"{chr(ord('A') + user)}  {what:<18} {100 * had / mean:5.0f} %  {bar}")
        return "\n".join(lines)


def _column(at: float, first: float, last: float) -> int:
    return min(WIDE - 1, int((at - first) / (last - first) * WIDE))


@needs_root
@captured.needed
@pytest.mark.timeout(900)
def test_two_hours_of_twenty_users(tmp_path: Path, folder: Path) -> None:
    seed = int(os.environ.get("LIFE_SEED") or secrets.randbelow(1 << 32))
    record = tmp_path / "record"
    root = captured.tree("mi210-8-spx", tmp_path / "node")
    seconds = float(os.environ.get("LIFE_SECONDS") or SECONDS)
    subprocess.run(
        [sys.executable, str(PROGRAM), str(record), str(seconds), str(seed)],
        env={**os.environ, "AIM_SYS_ROOT": str(root)},
        check=True,
    )
    life = Life(record)
    shares = life.shares()
    mean = statistics.mean(shares)
    longest = max(map(max, life.waits.values()))
    sys.stdout.write(
        f"\n{life.picture()}\nseed {seed}: {len(life.holds)} holds, {sum(shares):.0f} of "
        f"{8 * seconds:.0f} GPU s, longest wait {longest:.1f} s, idle {life.idle_s:.1f} s, "
        f"late {life.late_s:.1f} s\n"
    )
    assert life.twice() == []
    # Three seconds, and what each of those who see to it may have stood still besides.
    assert life.idle_s <= 3.0 + 3 * life.late_s
    # Who wants one device has a share to ten per cent and a job, which no share can be finer than.
    # Who wants four must wait for all of them, and kills come in between: up to a third less.
    for had, job, (_, devices) in zip(shares, life.jobs(), line_life.USERS, strict=True):
        assert abs(had - mean) <= (0.1 * mean + job if devices == 1 else mean / 3)
    # Nobody starves: all wait for what all want, and nobody for twice as long as his share takes.
    assert longest < seconds / 2
