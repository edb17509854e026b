"""What the supervisor measures: one history of engine and machine, and changes told once."""

from __future__ import annotations

import time

import pytest

from aim_jupyter.core import api, metrics
from aim_jupyter.core.serving.watch import endpoint
from aim_jupyter.core.serving.watch.endpoint import Reply
from aim_jupyter.core.serving.watch.sampling import Sampler
from tests.conftest import FakeEngine
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


def test_the_history_of_an_ended_server_is_still_there(fake: FakeEngine) -> None:
    fake()
    folder = launch_ready()
    until(lambda: len(api.history(folder.name, 60)) > 1)
    api.stop(folder.name, drain_s=0)
    assert api.history(folder.name, 60)
    assert metrics.latest(folder.path) is not None
    assert api.metrics() == []
