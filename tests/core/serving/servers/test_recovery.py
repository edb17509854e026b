"""A supervisor that is lost: another one goes on where it was, whoever starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace

from aim_jupyter.core import api, serving
from aim_jupyter.core.records import ProcessId, ServerRecord
from aim_jupyter.core.serving import ServerFolder
from aim_jupyter.core.serving.start import engine
from aim_jupyter.core.serving.state.process import alive, members
from aim_jupyter.core.serving.supervisor import spawn
from tests.conftest import FakeEngine
from tests.waiting import DEMO, LIMIT_S, MOST_S, ended, kill, launch_ready, say, speaking, until


def first_process(folder: ServerFolder) -> int:
    """Return the pid of what vLLM calls its API server."""
    told = engine.notes(folder.path)
    assert told is not None
    return told.engine


def took_over(folder: ServerFolder) -> int:
    """Count the supervisors that went on where another one was lost."""
    said = [event.message for event in folder.events.read()]
    return said.count("a new supervisor took over")


def written(folder: ServerFolder) -> list[str]:
    return [line for line in folder.log.read_text().replace("\r", "\n").split("\n") if line]


def test_a_lost_supervisor_is_replaced_also_where_nobody_looks(fake: FakeEngine) -> None:
    fake()
    folder = launch_ready()
    before = folder.read()
    assert before.engine is not None
    kill(before.supervisor)
    until(lambda: alive(folder.read().supervisor), limit_s=MOST_S)
    after = folder.read()
    assert after.supervisor != before.supervisor
    assert (after.state, after.engine, after.port) == ("running", before.engine, before.port)
    assert say(folder, "still there") == "You said: still there"
    until(lambda: took_over(folder) > 0)
    assert took_over(folder) == 1
    record = serving.stop(folder)
    assert (record.state, members(before.engine)) == ("stopped", [])


def test_of_many_that_look_one_replaces_it(fake: FakeEngine) -> None:
    fake()
    folder = launch_ready()
    kill(folder.read().supervisor)
    code = "from aim_jupyter.core import api; print(api.status('demo').record.state)"
    lookers = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
        for _ in range(4)
    ]
    assert [looker.communicate(timeout=120)[0] for looker in lookers] == ["running\n"] * 4
    until(lambda: alive(folder.read().supervisor))
    # It is in the record before it has looked at the engine, which is when it says so.
    until(lambda: took_over(folder) > 0)
    assert took_over(folder) == 1


def test_it_reads_on_in_the_log_where_the_other_one_was(fake: FakeEngine) -> None:
    fake(flood_lines=3000, boot_s=0.2, load_s=3.0, shards=30)
    folder = api.launch(DEMO)
    # Who looks late finds it loaded already; what has to come of it is the same.
    until(lambda: folder.read().stage in ("load", "ready"))
    until(lambda: folder.read().log_lines > 3000)
    kill(folder.read().supervisor)
    for _ in api.wait("demo", limit_s=LIMIT_S):
        pass
    record = folder.read()
    assert [stage.stage for stage in record.stages] == ["boot", "load", "ready"]
    assert record.log_lines == len(written(folder))
    assert record.log_last == written(folder)[-1].strip()[-200:]


def test_the_exit_code_is_known_to_a_supervisor_that_did_not_start_the_engine(
    fake: FakeEngine,
) -> None:
    fake()
    folder = launch_ready()
    kill(folder.read().supervisor)
    until(lambda: alive(folder.read().supervisor), limit_s=MOST_S)
    os.kill(first_process(folder), signal.SIGSEGV)
    until(lambda: folder.read().state == "failed")
    record = folder.read()
    assert record.exit_code == -signal.SIGSEGV
    assert record.crash is not None
    assert record.crash.cleaned_up == "no engine process left"


def test_a_killed_api_process_leaves_no_worker(fake: FakeEngine) -> None:
    fake(children=3)
    folder = launch_ready()
    record = folder.read()
    assert record.engine is not None
    os.kill(first_process(folder), signal.SIGKILL)
    until(lambda: members(record.engine) == [])  # type: ignore[arg-type]
    until(lambda: folder.read().state == "failed")
    assert folder.read().exit_code == -signal.SIGKILL


def test_supervisor_and_api_process_killed_together_leave_nothing(fake: FakeEngine) -> None:
    fake(children=2)
    folder = launch_ready()
    record = folder.read()
    assert record.engine is not None
    os.kill(first_process(folder), signal.SIGKILL)
    kill(record.supervisor)
    until(lambda: members(record.engine) == [], limit_s=MOST_S)  # type: ignore[arg-type]
    until(lambda: serving.current(folder).state == "failed", limit_s=MOST_S)
    assert folder.read().exit_code == -signal.SIGKILL


def test_whoever_looks_ends_what_a_threefold_kill_has_left(fake: FakeEngine) -> None:
    fake(children=2)
    folder = launch_ready()
    record = folder.read()
    assert record.supervisor is not None
    assert record.engine is not None
    first = first_process(folder)
    # Stopped first, so that none of the three can answer the death of another.
    pids = (record.supervisor.pid, record.engine.pid, first)
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in pids:
            os.kill(pid, number)
    until(lambda: serving.current(folder).state == "failed", limit_s=MOST_S)
    assert members(record.engine) == []


def test_a_supervisor_lost_while_stopping_is_followed_by_one_that_stops(fake: FakeEngine) -> None:
    fake(token_s=0.5)
    folder = launch_ready()
    record = folder.read()
    assert record.engine is not None
    first = first_process(folder)
    with speaking(folder, "one two three") as answer, ThreadPoolExecutor(1) as beside:
        # Stopped, so that what it says lasts as long as what happens here.
        os.kill(first, signal.SIGSTOP)
        stopping = beside.submit(serving.stop, folder)
        until(lambda: folder.read().state == "stopping")
        kill(folder.read().supervisor)
        os.kill(first, signal.SIGCONT)
        assert stopping.result(LIMIT_S).state == "stopped"
        assert answer() == "You said: one two three"
    assert folder.read().state == "stopped"
    assert members(record.engine) == []


def test_a_start_goes_on_without_the_supervisor_that_began_it(fake: FakeEngine) -> None:
    fake(boot_s=2.0)
    folder = api.launch(DEMO)
    until(lambda: folder.read().engine is not None)
    kill(folder.read().supervisor)
    for _ in api.wait("demo", limit_s=LIMIT_S):
        pass
    assert folder.read().state == "running"


def test_limits_hold_across_a_change_of_supervisors(fake: FakeEngine) -> None:
    fake()
    folder = launch_ready(replace(DEMO, idle_s=600.0))
    supervisor = folder.read().supervisor
    assert supervisor is not None
    os.kill(supervisor.pid, signal.SIGSTOP)
    record = folder.read()
    assert record.idle_up_s is not None
    # Idle for as long as it may be: one that counted anew would take ten minutes.
    idle_up_s = record.idle_up_s - 600.0
    folder.write(replace(record, idle_up_s=idle_up_s))
    kill(supervisor)
    until(lambda: folder.read().state == "stopped")
    assert folder.read().reason == "no request for 600 s"
    assert folder.read().idle_up_s == idle_up_s


def test_a_reboot_ends_everything_on_paper(fake: FakeEngine) -> None:
    fake()
    folder = launch_ready()
    record = folder.read()
    ended(folder)
    assert record.supervisor is not None
    assert record.engine is not None
    boots = [replace(each, boot="another") for each in (record.supervisor, record.engine)]
    folder.write(replace(record, supervisor=boots[0], engine=boots[1]))
    seen = serving.current(folder)
    assert (seen.state, seen.reason) == ("stopped", "the machine was restarted")
    assert folder.read() == seen


def test_a_pid_that_was_used_again_is_left_alone(fake: FakeEngine) -> None:
    fake()
    folder = launch_ready()
    record = folder.read()
    ended(folder)
    with subprocess.Popen(["sleep", "60"]) as stranger:
        try:
            later = [
                _same_number(stranger.pid, each) for each in (record.supervisor, record.engine)
            ]
            folder.write(replace(record, supervisor=later[0], engine=later[1]))
            (folder.path / "engine.json").unlink()
            assert serving.current(folder).state == "failed"
            serving.stop(folder)
            assert stranger.poll() is None
        finally:
            stranger.kill()


def _same_number(pid: int, process: ProcessId | None) -> ProcessId:
    assert process is not None
    return replace(process, pid=pid)


@pytest.mark.parametrize("state", ["starting", "running", "stopping"])
def test_a_record_of_life_without_any_process_is_corrected_at_once(
    fake: FakeEngine, state: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()
    folder = launch_ready()
    record = folder.read()
    ended(folder)
    stale: ServerRecord = replace(record, state=state)
    folder.write(stale)
    # By whoever looks: no supervisor is started for it.
    monkeypatch.setattr(spawn, "start", lambda *_: pytest.fail("a supervisor was started"))
    seen = serving.current(folder)
    assert folder.read() == seen
    assert seen.state == ("stopped" if state == "stopping" else "failed")
    assert not seen.live
