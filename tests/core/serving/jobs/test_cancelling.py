"""Stopping ends the job as well, whatever it was doing."""

from __future__ import annotations

from pathlib import Path

import pytest

from aim_jupyter.core import serving
from aim_jupyter.core.errors import ServerGone
from aim_jupyter.core.places import registry
from aim_jupyter.core.serving.jobs import cancelling
from tests.conftest import FakeEngine
from tests.core.places import standin as place
from tests.core.serving.jobs.jobs import launched, running


def states() -> set[str]:
    return {job.state for job in registry.at(registry.site("standin")).jobs()}


def test_what_waits_leaves_the_queue(fake: FakeEngine, standin: Path) -> None:
    fake()
    (standin / "hold").touch()
    folder = launched()
    record = serving.stop(folder)
    assert record.state == "stopped"
    assert record.reason.startswith("stopped by")
    assert states() == {"ended"}


def test_what_runs_ends_its_engine_first(fake: FakeEngine, standin: Path) -> None:
    fake()
    assert standin.is_dir()
    folder = running()
    record = serving.stop(folder)
    assert (record.state, states()) == ("stopped", {"ended"})
    assert serving.stop(folder).state == "stopped"


def test_a_job_that_is_cancelled_by_hand_says_so(fake: FakeEngine, standin: Path) -> None:
    fake()
    assert standin.is_dir()
    folder = running()
    site = registry.at(registry.site("standin"))
    site.end(site.jobs()[0])
    cancelling._wait_last_word(folder, 60.0)
    record = serving.current(folder)
    assert (record.state, record.reason) == ("stopped", "it was cancelled")


def test_a_job_that_does_not_end_is_told(
    fake: FakeEngine, standin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()
    (standin / "hold").touch()
    folder = launched()
    monkeypatch.setattr(cancelling, "GONE_S", 0.0)
    with monkeypatch.context() as patch:
        patch.setattr(place.Standin, "end", lambda *_: None)
        with pytest.raises(ServerGone, match="it is still there"):
            serving.stop(folder)
    monkeypatch.setattr(cancelling, "GONE_S", 60.0)
    assert serving.stop(folder).state == "stopped"
