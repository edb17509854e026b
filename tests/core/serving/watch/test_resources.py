"""What a server takes of its machine."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import partial

from aim_jupyter.core.serving.state.process import identify, members
from aim_jupyter.core.serving.watch.resources import PROCESSES_S, Resources


def test_cpu_time_and_memory_are_those_of_the_processes() -> None:
    busy = "import time\nprint('up', flush=True)\nend = time.process_time() + 0.5\n"
    busy += "while time.process_time() < end: pass\nprint('done', flush=True)\ntime.sleep(60)"
    with subprocess.Popen(
        [sys.executable, "-c", busy], stdout=subprocess.PIPE, start_new_session=True, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "up\n"
        leader = identify(child.pid)
        assert leader is not None
        took = Resources(leader, (), partial(members, leader))
        first = took.read(1000.0)
        assert child.stdout.readline() == "done\n"
        second = took.read(1001.0)
        child.kill()
    assert 0.3 < second["cpu_s"] < 5
    assert first["cpu_s"] <= second["cpu_s"]
    assert first["memory_bytes"] > 1 << 20
    # Read once a minute.
    assert second["memory_bytes"] == first["memory_bytes"]
    assert first["disk_free_bytes"] > 0


def test_a_process_that_ends_takes_no_cpu_time_away_and_is_missed() -> None:
    took = Resources(None, (), lambda: [os.getpid()])
    took._ticks, took._spent = {1 << 22: 500}, 700
    took._pids = [os.getpid()]
    took._most = 3
    assert took.read(0.0)["cpu_s"] >= 7.0
    assert took.lost == 2


def test_what_is_looked_at_now_and_then_is_looked_at_again_when_due() -> None:
    looks: list[float] = []

    def find() -> list[int]:
        looks.append(1)
        return [os.getpid()]

    took = Resources(None, (), find)
    for now in (1000.0, 1001.0, 1000.0 + PROCESSES_S, 500.0):  # the clock was put back
        took.read(now)
    assert len(looks) == 3


def test_an_unknown_figure_is_left_out_and_not_zero() -> None:
    found = Resources(None, (), list).read(1000.0)
    assert "cpu_s" not in found
    assert "vram_used_bytes" not in found
    assert found["disk_free_bytes"] > 0
