"""Which server is meant where none is named."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable

import pytest
from msgspec.structs import replace

import aim_jupyter as aim
from aim_jupyter.core import api
from aim_jupyter.core.errors import AimError, BadUsage, ServerGone, StartFailed
from aim_jupyter.core.request import Request
from tests.conftest import FakeEngine
from tests.waiting import DEMO, launch_ready, until

#: Launches from another process, as a terminal does.
ELSEWHERE = "import aim_jupyter as aim; aim.launch('demo', name={!r}, new=True).wait(60)"
UNNAMED = (api.attach, api.stop, lambda: list(api.wait()))


def launch_elsewhere(name: str) -> None:
    subprocess.run([sys.executable, "-c", ELSEWHERE.format(name)], check=True, timeout=120)


def test_what_this_process_launched_last_is_meant_not_the_newest(fake: FakeEngine) -> None:
    fake()
    with pytest.raises(ServerGone, match="No server has been launched"):
        api.server()
    launch_elsewhere("other")
    assert api.server().name == "other"
    launch_ready()
    launch_ready(replace(DEMO, name="mine"), new=True)
    launch_elsewhere("newest")
    assert api.server().name == api.attach().name == api.status().record.name == "mine"
    # One that runs already counts too, if it was asked for last.
    assert api.launch(replace(DEMO, name="demo")).name == api.server().name == "demo"


def test_after_a_start_that_failed_nobody_gets_another_server(fake: FakeEngine) -> None:
    fake()
    launch_ready(replace(DEMO, name="good"))
    fake(fail_at="load")
    bad = api.launch(Request(model="demo", name="bad", new=True))
    with pytest.raises(StartFailed, match="'bad'"):
        list(api.wait())
    until(lambda: bad.read().state == "failed")
    assert api.status().record.name == "bad"
    assert api.logs() == api.logs("bad")
    for verb in (api.attach, api.stop, aim.client, aim.attach, aim.stop):
        with pytest.raises(ServerGone, match="'bad', which was launched last, is failed") as caught:
            verb()
        assert caught.value.hint == "%aim attach good"
        assert "Others: good." in caught.value.found
    assert api.attach("good").read().live
    api.forget("bad")
    assert api.server().name == "good"


@pytest.mark.parametrize(
    "refused",
    [
        lambda: api.launch(Request(model="demo", options={"no-such-option": "1"})),
        lambda: aim.launch("demo", users=0),
        lambda: aim.launch("demo", name="../x"),
    ],
)
def test_after_a_refused_launch_nobody_gets_another_server(
    fake: FakeEngine, refused: Callable[[], object]
) -> None:
    fake()
    launch_ready(replace(DEMO, name="good"))
    with pytest.raises(AimError) as why:
        refused()
    for verb in (*UNNAMED, api.status, api.logs, aim.client, aim.wait):
        with pytest.raises(ServerGone, match="The last launch here failed") as caught:
            verb()
        assert why.value.found in caught.value.found
        assert caught.value.hint == why.value.hint
    with pytest.raises(BadUsage):
        api.plan(Request(model="demo", options={"no-such-option": "1"}))
    launch_ready(replace(DEMO, name="good"))
    with pytest.raises(BadUsage):
        api.plan(Request(model="demo", options={"no-such-option": "1"}))
    assert api.server().name == "good", "only a launch counts"


def test_an_interrupted_launch_is_no_launch(
    fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()
    launch_ready()

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr("aim_jupyter.core.api.lifecycle.preflight.check", interrupted)
        with pytest.raises(KeyboardInterrupt):
            api.launch(replace(DEMO, new=True))
    with pytest.raises(ServerGone, match="was interrupted"):
        api.attach()


def test_a_server_that_was_stopped_is_not_stopped_again(fake: FakeEngine) -> None:
    fake()
    launch_ready(replace(DEMO, name="good"))
    launch_ready(new=True)
    assert api.stop().record.name == "demo"
    with pytest.raises(ServerGone, match="'demo', which was launched last, is stopped"):
        api.stop()
    assert api.stop("demo").record.state == "stopped"
    assert api.stop("good").record.state == "stopped"
    with pytest.raises(ServerGone, match="Server 'demo' is stopped"):
        api.attach()
