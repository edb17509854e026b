"""Servers as anybody sees them."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from aim_jupyter.core import serving
from aim_jupyter.core.records import Sample, ServerRecord, ServerView
from aim_jupyter.core.serving import ServerFolder
from aim_jupyter.core.serving.servers import viewing
from aim_jupyter.core.serving.state.process import uptime_s
from tests.conftest import FakeEngine
from tests.core.serving.state.test_folder import made
from tests.core.serving.state.test_starts import PLAN
from tests.waiting import launch_ready, say, until


def test_requests_are_counted_and_reset_idleness(fake: FakeEngine) -> None:
    fake()
    folder = launch_ready()
    until(lambda: (_sample(folder).idle_s or 0) > 0)
    began = uptime_s()
    for _ in range(3):
        say(folder, "count me in")
    until(lambda: _sample(folder).req_done == 3)
    until(lambda: (folder.read().idle_up_s or 0) > began)
    idle_s = _sample(folder).idle_s
    assert idle_s is not None
    assert idle_s <= uptime_s() - began


def _sample(folder: serving.ServerFolder) -> Sample:
    sample = serving.view(folder).sample
    assert sample is not None
    return sample


def view_of(**facts: object) -> ServerView:
    record = ServerRecord(name="demo", plan=replace(PLAN, idle_s=60.0))
    return viewing.view(made("demo", replace(record, **facts)))


def test_an_ended_server_has_neither_uptime_nor_figures() -> None:
    seen = view_of(state="stopped", ready_up_s=1.0, ended_at=2.0)
    assert (seen.uptime_s, seen.sample, seen.eta_s, seen.idle_left_s) == (None,) * 4


def test_what_a_start_still_takes_is_known_from_an_earlier_one(fake: FakeEngine) -> None:
    fake()
    launch_ready()
    serving.stop(serving.find("demo"))
    folder = serving.launch(replace(serving.find("demo").read().plan, server="again"))
    assert folder.read().expected_s
    until(lambda: viewing.view(folder).record.state == "running")
    assert viewing.view(folder).eta_s is None
    assert (viewing.view(folder).uptime_s or 0) >= 0


def test_a_sample_of_long_ago_says_nothing_of_now(tmp_path: Path) -> None:
    assert viewing.sample(ServerFolder(tmp_path)) is None
