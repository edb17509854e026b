"""A supervisor that is the command of a job begins anew, and asks the site why it has to end."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from aim_jupyter.core import serving
from aim_jupyter.core.records import Job, ProcessId
from aim_jupyter.core.serving.jobs import within
from tests.conftest import FakeEngine
from tests.core.serving.jobs.jobs import launched


def test_a_second_beginning_forgets_the_first(
    fake: FakeEngine, standin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()
    (standin / "hold").touch()
    folder = launched()
    old = ProcessId(1, 1, "another boot")
    folder.write(replace(folder.read(), state="running", supervisor=old, engine=old, port=7))
    monkeypatch.setenv("STANDIN_JOB", "1")
    handle = within.begin(folder)
    assert handle is not None
    os.close(handle)
    record = folder.read()
    assert (record.state, record.supervisor, record.engine, record.port) == (
        *("starting", None, None),
        None,
    )
    assert "put back" in record.reason
    assert record.job is not None
    assert record.job.id == "1"
    monkeypatch.delenv("STANDIN_JOB")
    assert serving.stop(folder).state == "stopped"
    assert within.begin(folder) is None


def test_why_it_has_to_end_is_asked(fake: FakeEngine, standin: Path) -> None:
    fake()
    (standin / "hold").touch()
    folder = launched()
    record = replace(folder.read(), job=Job(site="standin", id="1"))
    assert within.notice(record) == ("time limit", 5.0)
    gone = replace(record, plan=replace(record.plan, on="nowhere"))
    assert within.notice(gone)[0] == "its job was told to end"
    serving.stop(folder)
