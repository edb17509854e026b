"""A server in a job gets an address of this machine, and answers there with its key alone."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import httpx
import pytest
from msgspec.structs import replace

from aim_jupyter.core import serving
from aim_jupyter.core.serving.jobs import reaching, ways
from aim_jupyter.core.serving.state.process import alive
from tests.conftest import FakeEngine
from tests.core.serving.jobs.jobs import launched, running
from tests.waiting import LIMIT_S, until


def test_it_answers_at_a_local_address(
    fake: FakeEngine, standin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()
    assert standin.is_dir()
    folder = running()
    # Its supervisor is on this very machine: for once it is taken for one on another.
    monkeypatch.setattr(reaching, "current", lambda one: replace(serving.current(one), away=True))
    record = reaching.reach(folder)
    assert record.url is not None
    with httpx.Client(base_url=record.url, trust_env=False, timeout=LIMIT_S) as client:
        assert client.get("/models").status_code == 401
        told = client.get("/models", headers={"Authorization": f"Bearer {folder.key()}"})
        assert told.status_code == 200
    serving.stop(folder)
    way = ways._read(folder)
    assert way is not None
    os.kill(way.process.pid, signal.SIGTERM)
    until(lambda: not alive(way.process))


def test_here_it_is_reached_directly(fake: FakeEngine, standin: Path) -> None:
    fake()
    folder = running()
    record = reaching.reach(folder)
    assert not record.away
    assert record.address is not None
    assert record.address.socket
    serving.stop(folder)
    (standin / "hold").touch()
    waits = launched()
    assert reaching.reach(waits).address is None
    serving.stop(waits)
