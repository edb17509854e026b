"""What the supervisor measures: one history of engine and machine, and changes told once."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from aim_jupyter.core import api, metrics
from aim_jupyter.core.gpus import Cards
from aim_jupyter.core.serving.state.process import identify, members
from aim_jupyter.core.serving.watch import endpoint
from aim_jupyter.core.serving.watch.endpoint import Reply
from aim_jupyter.core.serving.watch.resources import Resources
from aim_jupyter.core.serving.watch.sampling import Sampler
from tests.conftest import FakeEngine
from tests.core.gpus import trees
from tests.waiting import launch_ready, say, until

TEXT = b"vllm:num_requests_running 0\nvllm:num_requests_waiting 0\nvllm:request_success_total 1\n"


def test_engine_and_machine_stand_under_one_time(fake: FakeEngine) -> None:
    fake()
    folder = launch_ready()
    say(folder, "one two three")
    until(lambda: any(sample.req_done == 1 for sample in api.history(folder.name, 60)))
    last = api.history(folder.name, 60)[-1]
    assert last.memory_bytes is not None
    assert last.disk_free_bytes is not None
    assert last.cpu_pct is not None
    assert last.vram_used_bytes is last.temp_c is None
    assert [event.kind for event in folder.events.read()] == ["stage"] * 4


def test_a_silent_engine_is_two_events_however_long_it_lasts(
    fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()
    folder = launch_ready()
    record = folder.read()
    sampler = Sampler(folder)
    reply, clock = Reply(200, TEXT), [1000.0]
    monkeypatch.setattr(endpoint, "get", lambda *_, **__: reply)
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])

    def look(answer: Reply, times: int) -> None:
        nonlocal reply
        reply = answer
        for _ in range(times):
            clock[0] += 6
            sampler.tick(record, time.time())

    look(Reply(200, TEXT), 3)
    look(Reply(0, b""), 50)
    look(Reply(200, TEXT), 5)
    look(Reply(404, b""), 50)
    look(Reply(200, b"<html>"), 50)
    look(Reply(200, TEXT), 5)
    told = [event for event in folder.events.read() if event.kind == "health"]
    assert [event.message.partition(" for")[0] for event in told] == [
        "endpoint: no answer",
        "endpoint: answers again",
        "metrics: no metrics",
        "metrics: metrics again",
    ]
    assert [event.level for event in told] == ["error", "info", "warning", "info"]
    assert told[1].took_s is not None
    assert told[1].took_s > 200


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


def test_the_sensors_of_its_gpus_are_added_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = trees.written(trees.mi300x(4, used={1: 3 << 30, 2: 4 << 30}), tmp_path / "tree")
    monkeypatch.setenv("AIM_SYS_ROOT", str(root))
    both = Cards((1, 2)).read()
    assert both.vram_used_bytes == 7 << 30
    one = Cards((1,)).read()
    assert one.vram_used_bytes == 3 << 30
    if one.power_w is not None:
        assert both.power_w == pytest.approx(2 * one.power_w)
        assert both.temp_c == one.temp_c
    assert Cards(()).read().vram_used_bytes is None
    assert Cards((9,)).read().vram_used_bytes is None


def test_the_history_of_an_ended_server_is_still_there(fake: FakeEngine) -> None:
    fake()
    folder = launch_ready()
    until(lambda: len(api.history(folder.name, 60)) > 1)
    api.stop(folder.name, drain_s=0)
    assert api.history(folder.name, 60)
    assert metrics.latest(folder.path) is not None
    assert api.metrics() == []
