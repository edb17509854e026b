"""Ending a server for sure, and forgetting it."""

from __future__ import annotations

from argparse import Namespace

import pytest

from aim_jupyter.commands import handlers
from aim_jupyter.core import api, serving
from aim_jupyter.core.errors import BadUsage, NotOwner, UnknownName
from aim_jupyter.core.serving.servers import stopping
from aim_jupyter.core.serving.state.process import members
from tests.conftest import FakeEngine
from tests.core.serving.state.test_folder import made
from tests.waiting import DEMO, launch_ready, speaking, until


def test_a_stop_lets_running_requests_finish(fake: FakeEngine) -> None:
    fake(token_s=0.3)
    folder = launch_ready()
    with speaking(folder, "one two three") as answer:
        serving.stop(folder)
        assert answer() == "You said: one two three"


def test_an_engine_that_ignores_term_is_killed(fake: FakeEngine) -> None:
    fake(ignore_term=True)
    folder = launch_ready()
    engine = folder.read().engine
    assert engine is not None
    record = serving.stop(folder, drain_s=0)
    assert record.state == "stopped"
    assert members(engine) == []


def test_stopping_twice_changes_nothing(fake: FakeEngine) -> None:
    fake()
    folder = launch_ready()
    first = serving.stop(folder)
    assert serving.stop(folder) == first


def test_what_has_ended_can_be_forgotten_and_nothing_else(fake: FakeEngine) -> None:
    fake()
    folder = launch_ready()
    with pytest.raises(BadUsage, match=r"'demo' is running") as refused:
        api.forget("demo")
    assert refused.value.hint == "%aim stop demo"
    assert folder.path.exists()
    api.stop("demo", drain_s=0)
    assert api.forget("demo").record.state == "stopped"
    assert not folder.path.exists()
    assert api.servers() == []
    with pytest.raises(UnknownName):
        api.forget("demo")


def test_a_failed_start_is_forgotten_by_its_verb(fake: FakeEngine) -> None:
    fake(fail_at="load", fail_line="ValueError: no")
    folder = api.launch(DEMO)
    until(lambda: folder.read().state == "failed")
    assert handlers.forget(Namespace(servers=["demo"])) == ["demo is forgotten."]
    assert api.servers() == []


def test_a_server_of_another_user_is_theirs_to_stop() -> None:
    folder = made("demo")
    folder.owner = "bob"
    for verb in (stopping.stop, stopping.forget):
        with pytest.raises(NotOwner, match="by bob alone"):
            verb(folder)
