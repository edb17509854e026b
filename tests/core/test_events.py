"""What happened to a server, line by line, and progress for whoever listens."""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aim_jupyter.core.events import Event, EventLog, listening, report


@pytest.fixture
def log(tmp_path: Path) -> EventLog:
    return EventLog(tmp_path / "events.jsonl", "demo")


def test_events_come_back_in_order(log: EventLog) -> None:
    log.add("stage", "boot begins", stage="boot")
    log.add("health", "no metrics", level="warning")
    log.add("stage", "boot done", stage="boot", took_s=1.5)
    events = log.read()
    assert [event.message for event in events] == ["boot begins", "no metrics", "boot done"]
    assert [event.level for event in events] == ["info", "warning", "info"]
    assert events[2].took_s == 1.5
    assert events[0].at <= events[1].at <= events[2].at


def test_each_event_is_a_line_of_json(log: EventLog) -> None:
    log.add("exit", "two\nlines and a \u2028 separator")
    (line,) = log.path.read_text().split("\n")[:-1]
    assert json.loads(line)["server"] == "demo"


def test_there_are_none_before_the_first(log: EventLog) -> None:
    assert log.read() == []


@pytest.mark.parametrize(
    "bad", [b"{", b'{"at": 1}', b"[]", b'{"at":1,"kind":"stage","server":"\xff","message":""}']
)
def test_a_line_that_is_no_event_hides_no_other(log: EventLog, bad: bytes) -> None:
    log.add("stage", "before")
    log.path.write_bytes(log.path.read_bytes() + bad + b"\n")
    log.add("stage", "after")
    assert [event.message for event in log.read()] == ["before", "after"]


def test_a_line_that_a_crash_cut_short_takes_no_other_with_it(log: EventLog) -> None:
    log.add("stage", "before")
    log.path.write_bytes(log.path.read_bytes() + b'{"at": 17')
    log.add("stage", "after")
    assert [event.message for event in log.read()] == ["before", "after"]


def test_a_full_disk_loses_the_event_only() -> None:
    log = EventLog(Path("/dev/full"), "demo")
    log.add("stage", "lost")


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=50,
)
@given(garbage=st.binary())
def test_any_file_can_be_read(tmp_path: Path, garbage: bytes) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(garbage)
    assert all(isinstance(event, Event) for event in EventLog(path, "demo").read())


def test_progress_goes_to_the_innermost_listener() -> None:
    outer: list[str] = []
    inner: list[str] = []
    with listening(outer.append):
        report("one")
        with listening(inner.append):
            report("two")
        report("three")
    assert (outer, inner) == (["one", "three"], ["two"])


def test_without_a_listener_progress_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "aim_jupyter"):
        report("100 % of it")
    assert caplog.messages == ["100 % of it"]


def test_the_progress_of_another_thread_is_not_ours() -> None:
    heard: list[str] = []
    with listening(heard.append):
        other = threading.Thread(target=report, args=("elsewhere",))
        other.start()
        other.join()
    assert heard == []
