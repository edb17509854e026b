"""From a plan to a server that somebody looks after."""

from __future__ import annotations

import os
import signal

import pytest
from msgspec.structs import replace

from aim_jupyter.core import api, serving
from aim_jupyter.core.errors import BadUsage, PortTaken
from aim_jupyter.core.serving.servers import launching
from aim_jupyter.core.serving.start import ports
from aim_jupyter.core.serving.state.folder import LONGEST, StopRequest
from tests.conftest import FakeEngine
from tests.waiting import DEMO, free_port, launch_ready


def test_launch_returns_before_the_server_is_ready(fake: FakeEngine) -> None:
    # Longer than any test may take: had launch waited for it, this one would fail.
    fake(boot_s=600)
    folder = api.launch(DEMO)
    assert serving.current(folder).state == "starting"


def test_launching_what_runs_returns_it_and_new_starts_another(fake: FakeEngine) -> None:
    fake()
    first = launch_ready()
    assert api.launch(DEMO).name == first.name
    second = launch_ready(new=True)
    assert (first.name, second.name) == ("demo", "demo-2")
    assert first.read().port != second.read().port
    assert api.server().name == "demo-2"


def test_what_is_asked_to_stop_is_not_handed_out_any_more(fake: FakeEngine) -> None:
    fake()
    ending = launch_ready()
    supervisor = ending.read().supervisor
    assert supervisor is not None
    # Stopped: when it has done what it is asked to, its name may be had again.
    os.kill(supervisor.pid, signal.SIGSTOP)
    ending.ask_stop(StopRequest(drain_s=0.0, by="somebody"))
    assert serving.current(ending).state == "running"
    other = launch_ready()
    os.kill(supervisor.pid, signal.SIGCONT)
    assert other.name != ending.name


def test_a_taken_name_is_refused(fake: FakeEngine) -> None:
    fake()
    launch_ready()
    with pytest.raises(BadUsage, match="already there"):
        api.launch(replace(DEMO, name="demo", context=512))


def test_a_taken_port_is_refused_before_anything_is_started(fake: FakeEngine) -> None:
    fake()
    holder, port = ports.reserve()
    with holder:
        holder.listen()
        with pytest.raises(PortTaken, match=str(port)):
            api.launch(replace(DEMO, port=port))
    assert list(serving.folders()) == []


def test_a_port_that_was_asked_for_is_used(fake: FakeEngine) -> None:
    fake()
    port = free_port()
    assert launch_ready(replace(DEMO, port=port)).read().port == port


def test_a_long_name_can_be_had_twice(fake: FakeEngine) -> None:
    fake()
    long = "x" * LONGEST
    plan = serving.launch(serving.current(launch_ready(replace(DEMO, name=long))).plan, rename=True)
    assert plan.name == "x" * (LONGEST - 2) + "-2"
    assert launching._free_name("a", {"a", "a-2"}) == "a-3"
