"""A place is asked once in a while, by one for all, and its silence stops nobody."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from aim_jupyter.core.errors import SiteError
from aim_jupyter.core.places import asking, registry
from tests.core.places import standin as place


def test_an_answer_holds_for_all_until_it_is_old(
    standin: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "JOBS_S", 3600.0)
    site = registry.site("standin")
    assert asking.jobs(site).jobs == ()
    place.note("1", state="queued")
    assert asking.jobs(site).jobs == ()
    assert [job.id for job in asking.jobs(site, fresh=True).jobs] == ["1"]
    assert standin.is_dir()


def test_who_is_silent_leaves_what_was_said_before(standin: Path) -> None:
    site = registry.site("standin")
    place.note("1", state="queued")
    before = asking.jobs(site, fresh=True)
    (standin / "silent").touch()
    told = asking.jobs(site, fresh=True)
    assert told.jobs == before.jobs
    assert told.silent_since is not None
    since = told.silent_since
    assert asking.jobs(site, fresh=True).silent_since == since
    (standin / "silent").unlink()
    assert asking.jobs(site, fresh=True).silent_since is None


def test_what_there_is_is_asked_for_apart(standin: Path) -> None:
    assert standin.is_dir()
    told = asking.partitions(registry.site("standin"))
    assert [one.name for one in told.partitions] == ["cpu", "gpu", "odd"]


def test_a_command_fails_in_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SiteError, match="no-such-program"):
        asking.run(["no-such-program"])
    with pytest.raises(SiteError, match="it is not"):
        asking.run([sys.executable, "-c", "import sys; sys.exit('no\\nit is not')"])
    assert asking.run([sys.executable, "-c", "print(input())"], text="yes") == "yes\n"

    def silent(*_: object, **__: object) -> None:
        raise subprocess.TimeoutExpired("x", 1)

    monkeypatch.setattr(subprocess, "run", silent)
    with pytest.raises(SiteError, match="did not answer"):
        asking.run(["true"])


def test_a_job_is_told_neither_secrets_nor_of_the_job_that_we_are_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("HF_TOKEN", "SLURM_JOB_ID", "ROCR_VISIBLE_DEVICES", "SLURM_CONF", "KEPT"):
        monkeypatch.setenv(name, "1")
    known = asking.environment()
    assert {"SLURM_CONF", "KEPT"} <= known.keys()
    assert known.keys().isdisjoint({"HF_TOKEN", "SLURM_JOB_ID", "ROCR_VISIBLE_DEVICES"})
