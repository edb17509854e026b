"""What is true of a server in a job: the site's word on the job, the supervisor's on the rest."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from msgspec.structs import replace

from aim_jupyter.core import api, serving
from aim_jupyter.core.places import asking, registry
from aim_jupyter.core.records import Job, ProcessId
from aim_jupyter.core.request import Request
from aim_jupyter.core.serving.jobs import following
from tests.conftest import FakeEngine
from tests.core.places import standin as place
from tests.core.serving.jobs.jobs import launched, running, state
from tests.waiting import until


@pytest.fixture(autouse=True)
def asked_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "JOBS_S", 0.0)


def test_it_waits_with_the_reason_begins_and_serves(fake: FakeEngine, standin: Path) -> None:
    fake()
    (standin / "hold").touch()
    folder = launched()
    place.note("1", reason="Priority")
    seen = serving.current(folder)
    assert (seen.state, seen.stage, seen.away) == ("starting", "queued", True)
    assert "standin says Priority" in seen.stages[0].detail
    place.begin("1")
    until(lambda: state(folder) == "running")
    seen = serving.current(folder)
    assert seen.stages[0].stage == "queued"
    assert seen.stages[0].took_s is not None
    assert (seen.host, seen.job.node if seen.job else "") == ("elsewhere", "elsewhere")
    assert serving.stop(folder).state == "stopped"


def test_a_lost_node_is_told_as_the_cause(fake: FakeEngine, standin: Path) -> None:
    fake()
    assert standin.is_dir()
    folder = running()
    wrote = folder.read()
    place.lose("1")
    seen = serving.current(folder)
    assert seen.state == "failed"
    assert seen.crash is not None
    assert seen.crash.what == "The job ended: its node failed."
    assert serving.current(folder) == folder.read()
    # What is left of it here ends with its supervisor, which has no other to follow it.
    place.note("1", state="running")
    folder.write(wrote)
    assert serving.stop(folder).state == "stopped"


def test_what_was_put_back_into_the_queue_is_queued(fake: FakeEngine, standin: Path) -> None:
    fake()
    (standin / "hold").touch()
    folder = launched()
    wrote = folder.read()
    here = Job(site="standin", id="1", state="running", at=time.time() - 60)
    gone = ProcessId(1, 1, "another boot")
    folder.write(replace(wrote, state="running", supervisor=gone, host="n1", job=here))
    seen = serving.current(folder)
    assert (seen.state, seen.stage, seen.supervisor) == ("starting", "queued", None)
    assert "put back" in seen.reason
    assert serving.stop(folder).state == "stopped"


def test_a_silent_site_stops_nobody_until_nobody_knows(
    fake: FakeEngine, standin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()
    folder = running()
    (standin / "silent").touch()
    seen = serving.current(folder)
    assert seen.state == "running"
    assert "standin has not answered since" in seen.reason
    monkeypatch.setattr(following, "QUIET_S", -1e9)
    assert state(folder) == "unknown"
    (standin / "silent").unlink()
    asking.jobs(registry.site("standin"), fresh=True)
    assert serving.stop(folder).state == "stopped"


def test_a_site_that_is_not_described_any_more_is_told(fake: FakeEngine, standin: Path) -> None:
    fake()
    (standin / "hold").touch()
    folder = launched()
    wrote = folder.read()
    gone = replace(wrote, job=Job(site="nowhere", id="1"))
    assert following.current(folder, gone).state == "unknown"
    assert serving.stop(folder).state == "stopped"


def test_what_was_never_handed_in_has_failed(fake: FakeEngine, standin: Path) -> None:
    fake()
    (standin / "hold").touch()
    folder = launched()
    (folder.path / "job.json").unlink()
    assert state(folder) == "starting"
    folder.write(replace(folder.read(), created_at=time.time() - 2 * following.HANDED_IN_S))
    assert state(folder) == "failed"


def test_a_server_on_another_machine_is_not_judged_by_pids_of_this_one(fake: FakeEngine) -> None:
    fake()
    folder = serving.launch(api.plan(Request(model="demo")))
    until(lambda: state(folder) == "running")
    wrote = folder.read()
    assert wrote.host
    moved = replace(wrote, host="login9", supervisor=ProcessId(1, 1, "another boot"))
    assert following.away(moved)
    assert not following.away(wrote)
    seen = following.seen(moved)
    assert (seen.state, seen.away) == ("unknown", True)
    assert "login9" in seen.reason
