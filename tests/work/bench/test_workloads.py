"""What a bench sends."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

import aim_jupyter as aim
from aim_jupyter.core.errors import BadUsage, UnknownName
from aim_jupyter.work import runs
from aim_jupyter.work.bench.workloads import lengths
from tests.conftest import FakeEngine
from tests.render.runs import BENCH, RUN
from tests.waiting import launch_ready, until


def test_lengths_are_usual_or_as_they_were_here(fake: FakeEngine) -> None:
    fake()
    folder = launch_ready()
    assert lengths(None, folder) == lengths("chat", folder) == (480, 256, "chat")
    runs.folder_for("1a2b", RUN)
    assert lengths("m-1a2b", folder) == (99, 20, "run m-1a2b")
    runs.folder_for("ffff", replace(RUN, done=3, failed=0, into="b"))
    runs.folder_for("eeee", BENCH)
    with pytest.raises(BadUsage, match="3 answers are too few"):
        lengths("m-ffff", folder)
    with pytest.raises(BadUsage, match="b-eeee is a bench, no map"):
        lengths("b-eeee", folder)
    with pytest.raises(UnknownName):
        lengths("chatt", folder)
    with pytest.raises(BadUsage, match="The requests of demo: 0 answers are too few"):
        lengths("history", folder)


def test_a_server_s_own_requests_are_their_mean(fake: FakeEngine) -> None:
    fake()
    folder = launch_ready()
    client = aim.attach().client
    for _ in range(20):
        client.chat.completions.create(
            model="demo", messages=[{"role": "user", "content": "one two three four"}]
        )

    def known() -> bool:
        try:
            return bool(lengths("history", folder))
        except BadUsage:
            return False

    until(known)
    assert lengths("history", folder) == (4, 6, "the requests of demo")
