"""The runs that are kept: one folder each."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from aim_jupyter.core.errors import BadUsage, StateUnusable, UnknownName
from aim_jupyter.work import runs
from aim_jupyter.work.records import Question, Served
from aim_jupyter.work.runs import RunFolder
from tests.render.runs import LOOK, RUN

NAME = "1a2b3c4d5e6f"


@pytest.fixture
def folder(isolated: Path) -> RunFolder:
    return runs.folder_for(NAME, RUN)


def test_a_run_has_one_folder_and_what_is_asked_otherwise_another(folder: RunFolder) -> None:
    assert folder.id == "m-1a2b"
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert runs.folder_for(NAME, RUN).id == folder.id
    other = runs.folder_for("1a2bffff", replace(RUN, question=Question(prompt="other")))
    assert other.id == "m-1a2bf"
    engine = replace(RUN, served=Served(model="other"))
    assert runs.folder_for(NAME, engine).id == "m-1a2b3"


def test_a_name_of_which_nothing_is_left_is_said(folder: RunFolder) -> None:
    with pytest.raises(StateUnusable, match="No name is left for a run: 1a2b"):
        runs.folder_for("1a2b", replace(RUN, question=Question(prompt="other")))


def test_a_run_is_found_by_its_id_and_the_last_without_one(folder: RunFolder) -> None:
    other = runs.folder_for("ffff", RUN)
    os.utime(folder.path / "run.json", (1e9, 1e9))
    assert [one.id for one in runs.folders()] == [other.id, folder.id]
    assert runs.find().id == other.id
    assert runs.find(folder.id).id == folder.id
    with pytest.raises(UnknownName, match="m-1a2c"):
        runs.find("m-1a2c")


@pytest.mark.usefixtures("isolated")
def test_where_none_is_kept_none_is_found() -> None:
    assert runs.folders() == []
    with pytest.raises(UnknownName):
        runs.find()


def test_who_holds_a_run_works_on_it_and_nobody_else(folder: RunFolder) -> None:
    run = replace(RUN, done=997)
    assert (folder.state(RUN), folder.state(run)) == ("stopped", "done")
    with folder.held() as held:
        assert held
        assert folder.working
        assert folder.state(RUN) == "running"
        with folder.held() as again:
            assert not again
        with pytest.raises(BadUsage, match="is running") as raised:
            folder.evict()
        assert raised.value.hint == f"%aim runs stop {folder.id}"
    folder.evict()
    assert not folder.path.exists()


def test_the_latest_is_what_was_shown_last_of_the_same_sitting(folder: RunFolder) -> None:
    assert folder.look() is None
    assert folder.latest().done == RUN.done
    folder.show(replace(LOOK, run=replace(folder.read(), done=500)))
    assert folder.latest().done == 500
    folder.write(replace(folder.read(), started_at=99.0))
    assert folder.latest().done == RUN.done, "that look was of a sitting before"
    (folder.path / "look.json").write_text("{")
    assert folder.look() is None


def test_only_what_a_process_works_on_is_under_way(folder: RunFolder) -> None:
    folder.show(LOOK)
    assert runs.working() == []
    with folder.held():
        assert [look.run.id for look in runs.working()] == [LOOK.run.id]


def test_a_stop_is_asked_for_and_taken_back(folder: RunFolder) -> None:
    assert not folder.asked_to_stop()
    folder.ask_to_stop()
    assert folder.asked_to_stop()
    folder.go()
    folder.go()
    assert not folder.asked_to_stop()


def test_a_record_that_can_not_be_read_says_how_to_go_on(folder: RunFolder) -> None:
    (folder.path / "run.json").write_text("{")
    with pytest.raises(StateUnusable, match="can't be read") as raised:
        folder.read()
    assert raised.value.hint == f"%aim runs evict {folder.id}"


def test_old_runs_are_those_that_nobody_has_worked_on_for_long(folder: RunFolder) -> None:
    runs.folder_for("ffff", RUN)
    assert runs.older(3600) == []
    os.utime(folder.path / "run.json", (1e9, 1e9))
    assert [one.id for one in runs.older(3600)] == [folder.id]
    with folder.held():
        assert runs.older(3600) == [], "one that is worked on is never old"
