"""What a supervisor has read of its engine's log."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from aim_jupyter.core.records import ServerRecord
from aim_jupyter.core.serving import ServerFolder
from aim_jupyter.core.serving.watch.reading import Reading
from tests.conftest import FakeEngine
from tests.core.serving.state.test_folder import made
from tests.core.serving.state.test_starts import PLAN
from tests.waiting import launch_ready


def test_a_flood_in_the_log_loses_no_line(fake: FakeEngine) -> None:
    fake(flood_lines=20_000)
    folder = launch_ready()
    lines = folder.log.read_text().replace("\r", "\n").split("\n")
    assert sum(line.startswith("flood line") for line in lines) == 20_000
    assert folder.read().log_lines >= 20_000


@pytest.fixture
def folder() -> ServerFolder:
    return made("demo", ServerRecord(name="demo", plan=PLAN))


def reading(folder: ServerFolder) -> Reading:
    found = Reading(folder, folder.read())
    if not found.tracker.stages:
        found.tracker.enter("boot", 0.0)
    return found


LOAD = "INFO 11-30 16:58:56 [default_loader.py:1] Loading weights took 1.50 seconds\n"


def test_a_start_is_read_line_by_line_and_each_line_is_counted(folder: ServerFolder) -> None:
    seen = reading(folder)
    folder.log.write_text("one\ntwo\nhalf a li")
    assert seen.read(starting=True)
    assert (seen.facts()["log_lines"], seen.facts()["log_last"]) == (2, "two")
    assert seen.facts()["log_offset"] == len("one\ntwo\n")
    assert not seen.read(starting=True)
    with folder.log.open("a") as file:
        file.write("ne\n")
    assert seen.read(starting=True)
    assert seen.facts()["log_last"] == "half a line"


def test_whoever_takes_over_reads_on_where_the_other_was(folder: ServerFolder) -> None:
    first = reading(folder)
    folder.log.write_text("one\ntwo\n")
    first.read(starting=True)
    folder.write(replace(folder.read(), **first.facts()))
    second = reading(folder)
    with folder.log.open("a") as file:
        file.write("three\n")
    second.read(starting=True)
    assert second.facts()["log_lines"] == 3


def test_once_it_runs_lines_are_counted_and_change_nothing_that_is_shown(
    folder: ServerFolder,
) -> None:
    seen = reading(folder)
    folder.log.write_text("x\n" * 1000 + "last\n")
    assert not seen.read(starting=False)
    assert (seen.facts()["log_lines"], seen.facts()["log_last"]) == (1001, "last")
    assert not seen.behind


def test_a_long_last_line_is_kept_by_its_end(folder: ServerFolder) -> None:
    seen = reading(folder)
    folder.log.write_text("a" * 5000 + "end\n")
    seen.read(starting=True)
    assert len(seen.facts()["log_last"]) == 200
    assert seen.facts()["log_last"].endswith("aend")


def test_a_start_that_is_forgotten_leaves_out_what_was_said_of_it(folder: ServerFolder) -> None:
    seen = reading(folder)
    folder.log.write_text("of the first start\n")
    seen.forget_start()
    assert seen.tracker.stages == []
    assert not seen.read(starting=True)


def test_a_log_that_can_not_be_cut_is_told_as_a_warning(folder: ServerFolder) -> None:
    folder.log.mkdir()
    reading(folder).give_back(1 << 20)
    (event,) = folder.events.read()
    assert (event.kind, event.level) == ("health", "warning")
    assert event.message.startswith("the log can't be cut: ")
