"""What is asked of Slurm, with stand-ins for its commands; tests/slurm has the real one."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from aim_jupyter.core.errors import SiteError
from aim_jupyter.core.places.place import Order
from aim_jupyter.core.places.site import Site
from aim_jupyter.core.places.slurm import Slurm
from aim_jupyter.core.records import Job

SLURM = Slurm(Site(name="here"))
JOB = Job(site="here", id="7", node="n1")


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "programs"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")
    return folder


def write(folder: Path, name: str, body: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{body}\n")
    (folder / name).chmod(0o755)


def test_a_job_of_a_federation_has_its_number(programs: Path, tmp_path: Path) -> None:
    write(programs, "sbatch", "cat > /dev/null; echo '12;cluster'")
    job = SLURM.submit(Order(name="x", command=("true",), folder=tmp_path))
    assert (job.id, job.state) == ("12", "queued")
    assert SLURM.here()


def test_its_own_words_are_told(programs: Path, tmp_path: Path) -> None:
    write(programs, "sbatch", "cat >/dev/null; echo 'error: Invalid account' >&2; exit 1")
    with pytest.raises(SiteError, match="Invalid account"):
        SLURM.submit(Order(name="x", command=("true",), folder=tmp_path))


def test_a_forgotten_job_has_ended_and_the_accounting_may_know_why(programs: Path) -> None:
    assert SLURM.look(JOB).state == "ended"
    write(programs, "sacct", "echo TIMEOUT")
    assert SLURM.look(JOB).cause == "time limit"


def test_ending_what_has_ended_is_no_error(programs: Path) -> None:
    write(programs, "scancel", "echo 'scancel: error: Invalid job id 7' >&2; exit 1")
    SLURM.end(JOB)
    write(programs, "scancel", "echo 'scancel: error: Access denied' >&2; exit 1")
    with pytest.raises(SiteError, match="Access denied"):
        SLURM.end(JOB)


def test_the_way_is_a_step_or_ssh() -> None:
    assert {"--overlap", "--jobid=7", "--nodelist=n1"} <= {*SLURM.way(JOB)}
    assert Slurm(Site(name="here", reach="ssh")).way(JOB)[-1] == "n1"


def test_a_term_is_told_by_what_the_controller_says(programs: Path) -> None:
    end = time.strftime("%Y-%m-%dT%H:%M:%S", time.localtime(time.time() + 600))
    write(programs, "scontrol", f"echo 'JobId=7 JobState=RUNNING EndTime={end}'")
    told = SLURM.notice(JOB)
    assert told.why.startswith("time limit")
    assert 500 < told.left_s < 600
    write(programs, "scontrol", "echo 'JobId=7 JobState=PREEMPTED EndTime=Unknown'")
    assert SLURM.notice(JOB).why == "another job took its place"
    write(programs, "scontrol", "exit 1")
    assert SLURM.notice(JOB).left_s > 0


def test_in_a_job_its_variables_say_which(monkeypatch: pytest.MonkeyPatch) -> None:
    assert SLURM.own() is None
    for name, value in {"JOB_ID": "7", "STEP_ID": "2", "JOB_END_TIME": "99"}.items():
        monkeypatch.setenv(f"SLURM_{name}", value)
    own = SLURM.own()
    assert own is not None
    assert (own.id, own.ends_at) == ("7.2", 99.0)
    monkeypatch.setenv("SLURM_STEP_ID", str((1 << 32) - 5))
    batch = SLURM.own()
    assert batch is not None
    assert batch.id == "7"


def test_a_check_says_what_is_wrong(programs: Path, tmp_path: Path) -> None:
    assert [check.good for check in SLURM.check()] == [False]
    write(
        programs, "sinfo", "[ $1 = --version ] && echo 'slurm 23' || echo 'gpu*|n|idle|x|x|1|1|1|'"
    )
    write(programs, "squeue", "true")
    write(programs, "sbatch", "cat > /dev/null")
    site = Site(partition="gone", env={"CACHE": str(tmp_path / "x"), "JOBS": "/x/$SLURM_JOB_ID"})
    found = {check.name: check.good for check in Slurm(site).check()}
    assert found == {
        "controller": True,
        "partition": False,
        "CACHE": True,
        "JOBS": True,
        "submission": True,
    }
