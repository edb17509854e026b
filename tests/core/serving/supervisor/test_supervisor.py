"""One server from launch to end, on the fake engine: a real child with real signals."""

from __future__ import annotations

import os
import signal

import openai
import pytest
from msgspec.structs import replace

from aim_jupyter.core import api, serving
from aim_jupyter.core.errors import ServerGone, StartFailed
from aim_jupyter.core.records import ServerRecord
from aim_jupyter.core.serving.start import engine
from aim_jupyter.core.serving.state.process import alive, members
from tests.conftest import FakeEngine
from tests.waiting import DEMO, LIMIT_S, ended, launch_ready, say, until


def test_a_server_goes_through_its_stages_answers_and_stops(fake: FakeEngine) -> None:
    fake(boot_s=0.4, load_s=0.6, children=2)
    folder = launch_ready()
    record = folder.read()
    assert [stage.stage for stage in record.stages] == ["boot", "load", "ready"]
    assert all(stage.took_s is not None for stage in record.stages)
    assert record.stages[1].detail == "shard 2 of 2"
    assert record.facts["kv_tokens"] == 87296
    assert say(folder, "hello") == "You said: hello"
    assert record.engine is not None
    # The engine with its two children, and their keeper.
    assert len(members(record.engine)) == 4

    stopped = serving.stop(folder)
    assert stopped.state == "stopped"
    assert stopped.reason.startswith("stopped by ")
    assert members(record.engine) == []
    kinds = [(event.kind, event.stage) for event in folder.events.read()]
    assert kinds[0] == ("stage", "boot")
    assert kinds[-2:] == [("stop", None), ("exit", None)]


def test_the_second_start_has_an_estimate(fake: FakeEngine) -> None:
    fake(boot_s=0.5, load_s=0.5)
    first = serving.stop(launch_ready())
    took = {stage.stage: stage.took_s or 0.0 for stage in first.stages}
    # In its first stage for as long as anybody looks.
    fake(boot_s=600)
    folder = api.launch(DEMO)
    until(lambda: folder.read().stage == "boot")
    eta_s = serving.view(folder).eta_s
    assert eta_s is not None
    assert folder.read().expected_s == took
    assert 0.5 < sum(took.values()) - took["boot"] <= eta_s <= sum(took.values())


def test_the_engine_can_be_used_with_its_key_only(fake: FakeEngine) -> None:
    fake()
    folder = launch_ready()
    stranger = openai.OpenAI(base_url=folder.read().url, api_key="wrong", max_retries=0)
    with stranger, pytest.raises(openai.AuthenticationError):
        stranger.models.list()


def test_the_key_is_in_its_file_alone(fake: FakeEngine) -> None:
    fake()
    folder = launch_ready()
    key = folder.key()
    assert (folder.path / "key").stat().st_mode & 0o777 == 0o600
    assert folder.path.stat().st_mode & 0o777 == 0o700
    for path in folder.path.iterdir():
        assert path.name == "key" or key not in path.read_text(errors="replace"), path.name
    engine = folder.read().engine
    assert engine is not None
    for pid in members(engine):
        with open(f"/proc/{pid}/cmdline") as words:  # noqa: PTH123
            assert key not in words.read()
    assert key not in repr(folder.read())


@pytest.mark.parametrize("stage", ["boot", "load", "ready"])
def test_a_failed_start_says_what_the_log_says(fake: FakeEngine, stage: str) -> None:
    fake(fail_at=stage, fail_line="ValueError: No available memory for the cache blocks. Try it")
    folder = api.launch(DEMO)
    with pytest.raises(StartFailed, match="No memory is left for the KV cache") as caught:
        for _ in api.wait(folder.name, limit_s=LIMIT_S):
            pass
    # Not --gpu-memory-utilization, which comes first: the fake's parser does not know it.
    assert caught.value.hint == "%aim recipes demo"
    record = folder.read()
    crash = record.crash
    assert crash is not None
    assert record.state == "failed"
    assert record.exit_code == 1
    assert crash.line.startswith("ValueError: No available memory")
    lines = folder.log.read_bytes().split(b"\n")
    assert lines[(crash.line_number or 0) - 1].endswith(b"Try it"), "as editors count"
    assert crash.cleaned_up == "no engine process left"


def test_an_unknown_failure_shows_its_own_line_not_the_wrapper(fake: FakeEngine) -> None:
    fake(fail_at="load", fail_line="KeyError: 'a thing nobody has a rule for'")
    folder = api.launch(DEMO)
    until(lambda: folder.read().state == "failed")
    crash = folder.read().crash
    assert crash is not None
    assert crash.line == "KeyError: 'a thing nobody has a rule for'"
    assert crash.cause.startswith("Unknown")


def test_a_clean_exit_that_nobody_asked_for_is_a_failure(fake: FakeEngine) -> None:
    fake(fail_at="ready", exit_code=0)
    folder = api.launch(DEMO)
    until(lambda: folder.read().state == "failed")
    assert folder.read().exit_code == 0


def test_a_killed_engine_is_told_and_leaves_no_children(fake: FakeEngine) -> None:
    fake(children=3)
    folder = launch_ready()
    engine = folder.read().engine
    assert engine is not None
    os.kill(engine.pid, signal.SIGKILL)
    until(lambda: folder.read().state == "failed")
    record = folder.read()
    assert record.crash is not None
    assert record.crash.what == "The engine was killed."
    assert record.exit_code == -signal.SIGKILL
    assert members(engine) == []


def test_a_server_whose_processes_are_all_gone_is_failed(fake: FakeEngine) -> None:
    fake(children=0)
    folder = launch_ready()
    record = folder.read()
    assert record.supervisor is not None
    assert record.engine is not None
    keeper = record.engine
    # Stopped first, so that neither can answer the death of the other.
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for process in (record.supervisor, keeper):
            os.kill(process.pid, number)
    until(lambda: not alive(record.supervisor) and members(keeper) == [])
    assert serving.current(folder).state == "failed"


def test_a_server_from_before_the_last_boot_is_stopped(fake: FakeEngine) -> None:
    fake()
    folder = launch_ready()
    record = folder.read()
    ended(folder)
    assert record.supervisor is not None
    before = replace(record.supervisor, boot="another boot")
    folder.write(replace(record, supervisor=before, state="running"))
    assert serving.current(folder).state == "stopped"


def test_no_request_for_the_idle_limit_ends_it(fake: FakeEngine) -> None:
    fake()
    # Not waited for: a second after it was ready it may have ended already.
    folder = api.launch(replace(DEMO, idle_s=1.0))
    until(lambda: folder.read().state == "stopped")
    assert folder.read().reason == "no request for 1 s"


def test_the_end_of_its_life_ends_it(fake: FakeEngine) -> None:
    fake()
    folder = api.launch(replace(DEMO, lifetime_s=0.5))
    until(lambda: folder.read().state == "stopped")
    assert "are over" in folder.read().reason


def test_an_engine_that_ends_by_itself_is_started_again_as_often_as_allowed(
    fake: FakeEngine,
) -> None:
    fake()
    folder = launch_ready(replace(DEMO, restarts=1))
    before = folder.read()
    for port in (before.port, None):
        told = engine.notes(folder.path)
        assert told is not None
        os.kill(told.engine, signal.SIGKILL)
        if port is not None:
            until(lambda: folder.read().restarts == 1)
            until(lambda: folder.read().state == "running")
            assert (folder.read().port, say(folder, "again")) == (port, "You said: again")
    until(lambda: folder.read().state == "failed")
    words = [event.message for event in folder.events.read() if event.kind == "health"]
    assert "restart 1 of 1 in 1 s" in words
    record = folder.read()
    assert record.crash is not None
    assert record.exit_code == -signal.SIGKILL


def test_a_start_that_fails_is_not_tried_again(fake: FakeEngine) -> None:
    fake(fail_at="load")
    folder = api.launch(replace(DEMO, restarts=5))
    until(lambda: folder.read().state == "failed")
    assert folder.read().restarts == 0


def test_a_stop_ends_a_server_that_waits_to_be_started_again(fake: FakeEngine) -> None:
    fake()
    folder = launch_ready(replace(DEMO, restarts=5))
    supervisor = folder.read().supervisor
    assert supervisor is not None
    # Stopped, so that the next one reads what is written here: so many starts lie behind it.
    os.kill(supervisor.pid, signal.SIGSTOP)
    folder.write(replace(folder.read(), restarts=4))
    os.kill(supervisor.pid, signal.SIGKILL)
    until(lambda: folder.read().supervisor != supervisor)
    told = engine.notes(folder.path)
    assert told is not None
    os.kill(told.engine, signal.SIGKILL)
    until(lambda: "Restart 5 of 5 in 16 s" in folder.read().reason)
    assert serving.stop(folder).state == "stopped"


def test_a_lost_key_is_told(fake: FakeEngine) -> None:
    fake()
    folder = launch_ready()
    (folder.path / "key").unlink()
    with pytest.raises(ServerGone, match="key of server 'demo' is gone"):
        api.attach()


@pytest.mark.parametrize("content", [b"", b"{", b'{"name": 3}', b"\xff\xfe"])
def test_a_broken_record_is_told_and_hides_no_other(fake: FakeEngine, content: bytes) -> None:
    fake()
    good = launch_ready(replace(DEMO, name="good"))
    broken = good.path.parent / "broken"
    broken.mkdir()
    (broken / "server.json").write_bytes(content)
    with pytest.raises(ServerGone, match="can't be read"):
        api.status("broken")
    assert api.server().name == "good"
    assert [view.record.name for view in api.overview().servers] == ["good"]


def test_a_newer_record_is_not_guessed_at(fake: FakeEngine) -> None:
    fake()
    folder = launch_ready()
    newer = replace(folder.read(), version=99)
    serving.stop(folder)
    folder.write(newer)
    with pytest.raises(ServerGone, match="newer aim_jupyter"):
        api.status("demo")


def test_records_survive_a_round_trip(fake: FakeEngine) -> None:
    fake()
    record = launch_ready().read()
    assert isinstance(record, ServerRecord)
    assert record.plan.fingerprint == replace(record.plan, server="other").fingerprint
