"""Processes told apart from later ones, and groups that are ended for sure."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from aim_jupyter.core.records import ProcessId
from aim_jupyter.core.serving.state.process import (
    alive,
    boot_id,
    end_group,
    identify,
    members,
    memory_bytes,
    signal_group,
)
from tests.waiting import LIMIT_S, until

#: A leader with a child of its own; `told` is what both do at their start.
FAMILY = """
import signal, subprocess, sys, time
{told}
child = subprocess.Popen([sys.executable, "-c", {child!r}])
print("up", flush=True)
{then}
"""
SLEEP = "import time; time.sleep(60)"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)"


class Family:
    """A process in a session of its own, with a child."""

    def __init__(self, told: str = "", then: str = SLEEP, child: str = SLEEP) -> None:
        code = FAMILY.format(told=told, then=then, child=child)
        self.leader = subprocess.Popen(
            [sys.executable, "-c", code], start_new_session=True, stdout=subprocess.PIPE, text=True
        )
        assert self.leader.stdout is not None
        assert self.leader.stdout.readline() == "up\n"
        known = identify(self.leader.pid)
        assert known is not None
        self.id: ProcessId = known

    def end(self) -> None:
        signal_group(self.id, signal.SIGKILL)
        self.leader.wait(LIMIT_S)
        assert self.leader.stdout is not None
        self.leader.stdout.close()


@pytest.fixture
def families() -> Iterator[list[Family]]:
    made: list[Family] = []
    yield made
    for family in made:
        family.end()


def test_a_process_is_known_by_pid_start_and_boot() -> None:
    mine = identify(os.getpid())
    assert mine is not None
    assert mine.pid == os.getpid()
    assert mine.boot == boot_id()
    assert alive(mine)


def test_a_later_process_of_the_same_number_is_another() -> None:
    mine = identify(os.getpid())
    assert mine is not None
    assert not alive(replace(mine, start=mine.start - 1))
    assert not alive(replace(mine, boot="another boot"))
    assert members(replace(mine, boot="another boot")) == []


def test_nobody_is_not_alive() -> None:
    assert not alive(None)
    assert identify(2**22 + 1) is None
    assert identify(-1) is None


def test_a_zombie_is_dead(families: list[Family]) -> None:
    families.append(family := Family(then="sys.exit()", child="pass"))
    stat = Path(f"/proc/{family.id.pid}/stat")
    until(lambda: stat.read_text().rpartition(") ")[2].startswith("Z"))
    assert identify(family.id.pid) == family.id
    assert not alive(family.id)
    until(lambda: members(family.id) == [])


def test_a_name_with_brackets_and_spaces_hides_nothing(families: list[Family]) -> None:
    rename = "open('/proc/self/comm', 'w').write('a) Z 1 (b')"
    families.append(family := Family(told=rename))
    assert identify(family.id.pid) == family.id
    assert alive(family.id)


def test_a_group_is_known_also_without_its_leader(families: list[Family]) -> None:
    families.append(family := Family())
    assert len(members(family.id)) == 2
    os.kill(family.id.pid, signal.SIGKILL)
    until(lambda: len(members(family.id)) == 1)
    assert family.id.pid not in members(family.id)


def test_a_child_in_a_group_of_its_own_still_counts(families: list[Family]) -> None:
    families.append(family := Family(child=f"import os; os.setpgid(0, 0); {SLEEP}"))
    (child,) = set(members(family.id)) - {family.id.pid}
    until(lambda: os.getpgid(child) == child)
    assert members(family.id) == sorted([family.id.pid, child])


def test_processes_older_than_the_leader_are_not_of_its_group(families: list[Family]) -> None:
    families.append(family := Family())
    later = replace(family.id, start=family.id.start + 10_000_000)
    assert members(later) == []
    assert end_group(later, drain_s=0) == []
    assert len(members(family.id)) == 2


def test_a_group_ends_by_term_where_it_listens(families: list[Family]) -> None:
    families.append(family := Family())
    began = time.monotonic()
    assert end_group(family.id, drain_s=100, term_s=100, tick=family.leader.poll) == []
    assert time.monotonic() - began < 100
    assert members(family.id) == []
    assert family.leader.wait(LIMIT_S) == -signal.SIGTERM


def test_a_group_that_does_not_listen_is_killed(families: list[Family]) -> None:
    families.append(family := Family(told=DEAF, child=f"{DEAF}; {SLEEP}"))
    assert end_group(family.id, drain_s=0, term_s=0.3, tick=family.leader.poll) == []
    assert family.leader.wait(LIMIT_S) == -signal.SIGKILL


def test_what_a_dead_leader_left_is_ended(families: list[Family]) -> None:
    families.append(family := Family(child=f"{DEAF}; {SLEEP}"))
    os.kill(family.id.pid, signal.SIGKILL)
    family.leader.wait(LIMIT_S)
    assert len(members(family.id)) == 1
    assert end_group(family.id, drain_s=30, term_s=30) == []


def test_ending_a_group_that_is_gone_does_nothing(families: list[Family]) -> None:
    families.append(family := Family(then="sys.exit()", child="pass"))
    family.leader.wait(LIMIT_S)
    until(lambda: members(family.id) == [])
    assert end_group(family.id, drain_s=30) == []


def test_the_memory_of_processes_is_known_or_none() -> None:
    used = memory_bytes([os.getpid()])
    assert used is not None
    assert 1 << 20 < used < 10 << 30
    assert memory_bytes([2**22 + 1]) is None
    assert memory_bytes([]) is None
