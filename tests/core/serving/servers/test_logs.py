"""A server's log, and what happens to servers, while it grows."""

from __future__ import annotations

import pytest

from aim_jupyter.core import serving
from aim_jupyter.core.errors import NotOwner
from aim_jupyter.core.records import ServerRecord
from aim_jupyter.core.serving import ServerFolder
from aim_jupyter.core.serving.servers import logs
from tests.conftest import FakeEngine
from tests.core.serving.state.test_folder import made
from tests.core.serving.state.test_starts import PLAN
from tests.waiting import launch_ready


@pytest.fixture
def ended() -> ServerFolder:
    return made("demo", ServerRecord(name="demo", plan=PLAN, state="stopped"))


def test_the_last_lines_come_without_what_would_move_a_terminal(ended: ServerFolder) -> None:
    ended.log.write_text("first\nsecond\n\x1b]0;title\x07third\n")
    assert logs.tail(ended, 2)[0] == "second"
    assert "\x1b" not in logs.tail(ended, 1)[0]
    assert logs.tail(ended, 0) == []


def test_following_an_ended_server_comes_to_its_end(ended: ServerFolder) -> None:
    ended.log.write_text("one\ntwo\n")
    assert list(logs.follow(ended, 1)) == ["two"]


def test_following_goes_on_until_the_server_has_ended(fake: FakeEngine) -> None:
    fake()
    folder = launch_ready()
    lines = logs.follow(folder, 1)
    next(lines)
    with folder.log.open("a") as file:
        file.write("said meanwhile\n")
    serving.stop(folder)
    assert "said meanwhile" in list(lines)


def test_the_log_of_another_user_stays_with_them(ended: ServerFolder) -> None:
    ended.owner = "bob"
    with pytest.raises(NotOwner, match="stays with bob") as refused:
        logs.tail(ended, 1)
    assert refused.value.hint == "ask bob"


def test_events_of_an_ended_server_are_told_once_in_order(ended: ServerFolder) -> None:
    ended.events.add("stage", "boot done")
    ended.events.add("stop", "stopped by bob")
    told = [event.message for event in logs.follow_events(ended)]
    assert told == ["boot done", "stopped by bob"]


def test_events_of_all_servers_are_told_by_time_and_what_is_new_besides(
    ended: ServerFolder,
) -> None:
    other = made("other", ServerRecord(name="other", plan=PLAN, state="stopped"))
    other.events.add("stage", "first")
    ended.events.add("stage", "second")
    told = logs.follow_events()
    assert [next(told).message, next(told).message] == ["first", "second"]
    other.events.add("stop", "third")
    assert next(told).message == "third"
    told.close()  # type: ignore[attr-defined]
