"""The way to a server on another machine: one for all of this one, at one port."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from aim_jupyter.core import config, serving
from aim_jupyter.core.errors import ServerGone
from aim_jupyter.core.records import Job
from aim_jupyter.core.serving.jobs import ways
from aim_jupyter.core.serving.state.process import alive
from tests.conftest import FakeEngine
from tests.core.places import standin as place
from tests.core.serving.jobs.jobs import running
from tests.waiting import until


def test_it_is_opened_once_and_again_at_the_same_port(fake: FakeEngine, standin: Path) -> None:
    fake()
    assert standin.is_dir()
    folder = running()
    record = folder.read()
    assert record.job is not None
    assert ways.open_port(folder) == 0
    port = ways.open_way(folder, record, record.job)
    assert ways.open_way(folder, record, record.job) == port == ways.open_port(folder)
    way = ways._read(folder)
    assert way is not None
    os.kill(way.process.pid, signal.SIGKILL)
    until(lambda: not alive(way.process))
    assert ways.open_way(folder, record, record.job) == port
    serving.stop(folder)
    last = ways._read(folder)
    assert last is not None
    os.kill(last.process.pid, signal.SIGTERM)
    until(lambda: not alive(last.process))


def test_a_node_that_does_not_answer_is_told(
    fake: FakeEngine, standin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()
    assert standin.is_dir()
    folder = running()
    monkeypatch.setattr(place.Standin, "way", lambda *_: ["false"])
    with pytest.raises(ServerGone, match="can't be reached"):
        ways.open_way(folder, folder.read(), Job(site="standin", id="1"))
    assert config.host() not in ("", "elsewhere")
    serving.stop(folder)
