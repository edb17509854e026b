"""A server in words."""

from __future__ import annotations

from msgspec.structs import replace

from aim_jupyter.core.records import EngineEnvironment
from aim_jupyter.render import servers
from tests.render.samples import RUNNING_8B, STARTING, view


def test_when_a_server_stops_by_itself() -> None:
    plan = replace(RUNNING_8B.record.plan, idle_s=3600.0)
    running = replace(RUNNING_8B, record=replace(RUNNING_8B.record, plan=plan))
    assert servers.idle_stop(replace(running, idle_s=0.0, idle_left_s=3600.0)) == (
        "idle stop after 60 min without requests"
    )
    assert servers.idle_stop(replace(running, idle_s=1200.0, idle_left_s=2400.0)) == (
        "idle stop in 40 min"
    )
    never = replace(running.record, plan=replace(plan, idle_s=None))
    assert servers.idle_stop(replace(running, record=never)) == "no idle stop"


def test_what_is_left_of_a_start_is_said_where_it_is_known() -> None:
    assert servers.left(replace(STARTING, eta_s=90.0)) == "about 1 min 30 s left"
    assert servers.left(replace(STARTING, eta_s=None)) == ""


def test_what_matters_of_a_server_depends_on_its_state() -> None:
    assert servers.activity(STARTING)[0] == STARTING.record.stage
    assert servers.activity(replace(RUNNING_8B, sample=None)) == []
    assert servers.activity(view("stopped", reason="stopped by nina")) == ["stopped by nina"]


def test_where_an_engine_comes_from() -> None:
    named = EngineEnvironment(name="x", python="/x", source="variable")
    assert servers.origin(named) == "named by AIM_ENGINE_PYTHON"
    assert servers.origin(replace(named, source="package")) == "package"
