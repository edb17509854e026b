"""An ended server is taken off the lists, one that lives is not."""

from __future__ import annotations

from argparse import Namespace

import pytest

from aim_jupyter.commands import handlers
from aim_jupyter.core import api
from aim_jupyter.core.errors import BadUsage, UnknownName
from tests.conftest import FakeEngine
from tests.waiting import DEMO, launch_ready, until


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
