"""Servers from Python: start, find, wait for, end."""

from __future__ import annotations

import pytest

import aim_jupyter as aim
from aim_jupyter.core.errors import AimError, ServerGone
from aim_jupyter.verbs import servers
from tests.conftest import FakeEngine


def test_a_server_from_launch_to_stop(fake: FakeEngine) -> None:
    fake()
    handle = aim.launch("demo")
    assert servers.wait("demo").state == "running"
    assert servers.attach().name == handle.name == "demo"
    assert servers.ps()["state"].tolist() == ["running"]
    with servers.client() as client:
        assert [each.id for each in client.models.list()][:1] == ["demo"]
    assert servers.logs(lines=1) != []
    assert servers.stop().state == "stopped"
    assert servers.ps()["state"].tolist() == ["stopped"]
    assert "stop" in servers.events("demo")["kind"].tolist()
    with pytest.raises(ServerGone):
        servers.client("demo")


def test_a_plan_starts_nothing(fake: FakeEngine) -> None:
    fake()
    assert servers.plan("demo").server == "demo"
    assert servers.ps().empty


def test_why_says_why_a_start_failed(fake: FakeEngine) -> None:
    fake(fail_at="load", fail_line="ValueError: no such layer")
    aim.launch("demo")
    with pytest.raises(AimError):
        servers.wait("demo", 120)
    found = servers.why("demo")
    assert "no such layer" in found.line


def test_without_servers_there_is_none_to_find() -> None:
    assert servers.ps().empty
    assert servers.status().servers == ()
    for verb in (servers.attach, servers.stop, servers.wait, servers.logs, servers.why):
        with pytest.raises(AimError):
            verb()
