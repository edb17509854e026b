"""The work of a run: rows out, answers in, and each on disk before it counts."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest

from aim_jupyter.core.errors import RowsFailed
from aim_jupyter.work import runs
from aim_jupyter.work.map.running import Running
from aim_jupyter.work.map.schemas import Schema
from aim_jupyter.work.map.wire import Reply
from aim_jupyter.work.records import Look, MapRun, Question, Served
from aim_jupyter.work.runs import RunFolder
from tests.work.map.scripted import Scripted, chat, item

NEW = MapRun(id="", question=Question(prompt="{text}"), served=Served(model="demo"), into="answer")
REFUSED = Reply(400, b'{"error": {"message": "odd"}}')


def kept(*texts: str) -> RunFolder:
    """Return a run with these rows."""
    folder = runs.folder_for("abcdef", NEW)
    with contextlib.closing(folder.store()) as store:
        store.put([item(text) for text in texts])
    return folder


@pytest.fixture(autouse=True)
def state(isolated: Path) -> Path:
    return isolated


def test_every_row_is_answered_and_written_down() -> None:
    folder = kept(*(f"t{at}" for at in range(60)), "t0")
    looks: list[Look] = []
    run = Running(folder, [Scripted(chat)], Schema(), looks.append).work()
    assert (run.rows, run.done, run.failed, run.sittings) == (61, 61, 0, 1)
    assert (run.tokens_in, run.tokens_out) == (610, 122), "what is the same counts in each row"
    assert folder.read() == run
    answers = [answer and answer.value for _, answer in folder.answers()]
    assert answers == [*(f"t{at}" for at in range(60)), "t0"]
    assert (looks[-1].state, looks[-1].run.done) == ("done", 61)


def test_what_was_answered_is_not_asked_again() -> None:
    folder = kept("a", "b")
    Running(folder, [Scripted(chat)], Schema()).work()
    with contextlib.closing(folder.store()) as store:
        store.put([item("a"), item("c")])
    again = Scripted(chat)
    run = Running(folder, [again], Schema()).work()
    assert [sent["messages"][0]["content"] for sent in again.asked] == ["c"]
    assert (run.done, run.sittings) == (2, 2)


def test_most_of_the_first_rows_failing_ends_it_before_more_is_asked() -> None:
    folder = kept(*(f"t{at}" for at in range(100)))
    endpoint = Scripted(lambda _: REFUSED)
    with pytest.raises(RowsFailed, match="20 of the first 20 rows failed: refused 20"):
        Running(folder, [endpoint], Schema()).work()
    assert len(endpoint.asked) == 20
    assert folder.read().reason.startswith("20 of the first 20 rows failed")
    look = folder.look()
    assert look is not None
    assert (look.state, look.run.left) == ("stopped", 80)


def test_it_goes_on_where_that_is_wanted() -> None:
    folder = kept(*(f"t{at}" for at in range(100)))
    run = Running(folder, [Scripted(lambda _: REFUSED)], Schema(), force=True).work()
    assert (run.done, run.failed) == (0, 100)


def test_a_few_failures_are_counted_by_their_cause_and_end_nothing() -> None:
    folder = kept("bad", *(f"t{at}" for at in range(40)))
    run = Running(
        folder, [Scripted(lambda text: REFUSED if text == "bad" else chat(text))], Schema()
    ).work()
    assert (run.done, run.failed) == (40, 1)
    look = folder.look()
    assert look is not None
    assert look.causes == {"refused": 1}


def test_a_stop_keeps_what_is_done_and_leaves_the_rest() -> None:
    folder = kept(*(f"t{at}" for at in range(60)))
    endpoint = Scripted(chat)
    running = Running(folder, [endpoint], Schema())

    def until_ten(text: str) -> Reply:
        if len(endpoint.asked) == 10:
            running.stop()
        return chat(text)

    endpoint._answer = until_ten
    run = running.work()
    assert 0 < run.left < 60
    assert folder.state(run) == "stopped"
    assert Running(folder, [Scripted(chat)], Schema()).work().done == 60
