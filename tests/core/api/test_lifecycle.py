"""Servers: launched, found, watched, stopped."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from aim_jupyter.core.api import lifecycle
from aim_jupyter.core.errors import AimError, ServerGone, StartFailed, WaitTimeout
from aim_jupyter.core.records import Crash, ServerRecord
from aim_jupyter.core.request.record import Request
from tests.conftest import FakeEngine
from tests.core.serving.state.test_starts import PLAN
from tests.waiting import DEMO, launch_ready

RECORD = ServerRecord(name="demo", plan=PLAN, state="failed")


def test_why_a_start_failed_is_said_as_far_as_it_is_known() -> None:
    bare = lifecycle.start_failed(RECORD)
    assert bare.found == "Server 'demo' is failed: it has ended."
    assert bare.hint == "%aim logs demo -n 50"
    crash = Crash(what="The GPU is full.", cause="Bob holds it.", try_line="%aim launch x")
    told = lifecycle.start_failed(replace(RECORD, crash=crash))
    assert told.found == "Server 'demo': The GPU is full. Bob holds it."
    assert told.hint == "%aim launch x"


@pytest.mark.parametrize(
    ("listen", "where"), [("0.0.0.0", "every address of this machine"), ("10.0.0.7", "10.0.0.7")]
)
def test_what_the_network_may_see_is_said(listen: str, where: str) -> None:
    assert lifecycle.exposed(listen).startswith(f"It listens on {where}: ")


def test_a_wait_ends_when_it_is_ready_or_the_time_is_over_or_the_start_failed(
    fake: FakeEngine,
) -> None:
    fake(never_ready=True)
    lifecycle.launch(DEMO)
    with pytest.raises(WaitTimeout, match="is not ready after 0 s") as caught:
        list(lifecycle.wait("demo", limit_s=0))
    assert caught.value.hint == "%aim wait demo"
    lifecycle.stop("demo", drain_s=0)
    with pytest.raises(StartFailed):
        list(lifecycle.wait("demo"))
    with pytest.raises(ServerGone):
        lifecycle.attach("demo")


def test_what_uses_a_model_is_said_while_it_lives(fake: FakeEngine) -> None:
    fake()
    launch_ready()
    assert [view.record.name for view in lifecycle.overview().servers] == ["demo"]
    assert lifecycle.stoppable("demo").record.state == "running"
    lifecycle.stop("demo", drain_s=0)
    assert lifecycle.overview().servers == ()
    assert [view.record.name for view in lifecycle.overview(ended=True).servers] == ["demo"]
    lifecycle.forget("demo")
    assert lifecycle.overview(ended=True).servers == ()


def test_a_wrong_option_is_refused_before_anything_is_made() -> None:
    with pytest.raises(AimError):
        lifecycle.launch(Request(model="demo", options={"--port": "x"}))
    assert lifecycle.overview(ended=True).servers == ()
