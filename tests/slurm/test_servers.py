"""Servers in jobs of a real Slurm: launched, followed, reached, ended, and what becomes of them."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import openai
import pytest
from msgspec.structs import replace

from aim_jupyter.core import api, serving
from aim_jupyter.core.places import registry
from aim_jupyter.core.request import Request
from aim_jupyter.core.serving import ServerFolder
from aim_jupyter.testing import placing
from tests.conftest import FakeEngine, use_installed_engine
from tests.slurm.cluster import PLAIN, Cluster
from tests.waiting import LIMIT_S, until

THERE = Request(model="demo", on="slurm", partition="cpu", lifetime_s=600.0)


def running(request: Request = THERE) -> ServerFolder:
    folder = api.launch(request)
    for _ in api.wait(folder.name, limit_s=2 * LIMIT_S):
        pass
    return folder


def say(folder: ServerFolder, text: str) -> str:
    record = api.reachable(folder)
    assert record.url is not None
    with openai.OpenAI(base_url=record.url, api_key=folder.key(), max_retries=0) as client:
        told = client.chat.completions.create(
            model="default", messages=[{"role": "user", "content": text}]
        )
    return told.choices[0].message.content or ""


def job_of(folder: ServerFolder) -> str:
    job = serving.current(folder).job
    assert job is not None
    return job.id


def nothing_left(cluster: Cluster, node: str = PLAIN) -> None:
    until(lambda: cluster.processes(node) == {}, 2 * LIMIT_S)
    until(lambda: cluster.jobs() == [], 2 * LIMIT_S)


def told_soon(folder: ServerFolder, is_so: Callable[[str], bool]) -> None:
    until(lambda: is_so(serving.current(folder).state), 2 * LIMIT_S)


def test_slurm_does_what_a_place_must(cluster: Cluster, home: Path) -> None:
    placing.check(registry.site("slurm"), home, partition="cpu")


def test_from_a_login_node_to_an_answer_and_back(cluster: Cluster, engine: FakeEngine) -> None:
    engine()
    folder = running()
    record = serving.current(folder)
    assert (record.host, record.away, record.stages[0].stage) == (PLAIN, True, "queued")
    assert say(folder, "hello") == "You said: hello"
    view = api.status(folder.name)
    assert view.sample is not None
    # Another kernel finds it, and the way that is open.
    told = subprocess.run(
        [sys.executable, "-m", "aim_jupyter", "client", folder.name, "--json"],
        capture_output=True,
        text=True,
        check=True,
        timeout=2 * LIMIT_S,
    )
    assert (api.reachable(folder).url or "none") in told.stdout
    number = job_of(folder)
    shown = cluster.ask("scontrol", "show", "job", number)
    script = cluster.ask("scontrol", "write", "batch_script", number, "-")
    assert folder.key() not in shown + script
    inits = cluster.processes(PLAIN)
    own = next(pid for pid, words in inits.items() if "aim_jupyter.core.serving" in words)
    assert folder.key().encode() not in Path(f"/proc/{own}/environ").read_bytes()
    assert api.launch(THERE).path == folder.path
    assert serving.stop(folder).state == "stopped"
    nothing_left(cluster)


def test_behind_another_job_it_waits_with_the_reason(cluster: Cluster, engine: FakeEngine) -> None:
    engine()
    ahead = cluster.ask(
        *("sbatch", "--parsable", "-p", "cpu", "--exclusive", "--time=5"),
        *("--output=/dev/null", "--wrap=exec sleep 1000"),
    )
    until(lambda: cluster.ask("squeue", "-h", "-j", ahead, "-o", "%T") == "RUNNING")
    folder = api.launch(THERE)
    until(lambda: "slurm says Resources" in serving.current(folder).stages[0].detail)
    record = serving.current(folder)
    assert (record.state, record.stage) == ("starting", "queued")
    # Slurm's backfill looks once in a while.
    until(lambda: "start unknown" not in serving.current(folder).stages[0].detail)
    cluster.ask("scancel", ahead)
    told_soon(folder, lambda state: state == "running")
    assert serving.stop(folder).state == "stopped"
    again = api.launch(replace(THERE, new=True))
    assert serving.stop(again).state == "stopped"
    nothing_left(cluster)


def test_scancel_is_told_and_leaves_nothing(cluster: Cluster, engine: FakeEngine) -> None:
    engine(ignore_term=True, children=2)
    folder = running()
    cluster.ask("scancel", job_of(folder))
    told_soon(folder, lambda state: state not in ("running", "stopping"))
    assert serving.current(folder).reason == "it was cancelled"
    nothing_left(cluster)


def test_the_end_of_the_wall_time_cuts_off_no_reply(
    cluster: Cluster, engine: FakeEngine, home: Path
) -> None:
    engine(token_s=3.0)
    folder = running(replace(THERE, lifetime_s=120.0))
    record = api.reachable(folder)
    text = " ".join(str(number) for number in range(12))
    with openai.OpenAI(base_url=record.url, api_key=folder.key(), max_retries=0) as client:
        asked_at = None
        while serving.current(folder).state == "running":
            left_s = (serving.current(folder).job.ends_at or 0) - time.time()  # type: ignore[union-attr]
            if asked_at is None and left_s < 80:
                asked_at = time.time()
                stream = client.chat.completions.create(
                    model="default", messages=[{"role": "user", "content": text}], stream=True
                )
            time.sleep(0.2)
        assert asked_at is not None
        said = "".join(chunk.choices[0].delta.content or "" for chunk in stream if chunk.choices)
    assert said.split()[-1] == "11"
    told_soon(folder, lambda state: state == "stopped")
    assert serving.current(folder).reason.startswith("time limit: its job ends at")
    nothing_left(cluster)


def test_a_lost_node_is_told_and_comes_back(cluster: Cluster, engine: FakeEngine) -> None:
    engine()
    folder = running()
    cluster.lose_node(PLAIN)
    told_soon(folder, lambda state: state == "failed")
    crash = serving.current(folder).crash
    assert crash is not None
    assert crash.what == "The job ended: its node failed."
    cluster.start_node(PLAIN)
    cluster.wait_for({PLAIN: "idle"})
    anew = running(replace(THERE, new=True))
    assert say(anew, "again") == "You said: again"
    serving.stop(anew)
    nothing_left(cluster)


def test_without_a_controller_it_serves_on(cluster: Cluster, engine: FakeEngine) -> None:
    engine()
    folder = running()
    assert say(folder, "before")
    cluster.stop_controller()
    until(lambda: "has not answered" in serving.current(folder).reason)
    assert serving.current(folder).state == "running"
    assert say(folder, "meanwhile") == "You said: meanwhile"
    cluster.start_controller()
    until(lambda: serving.current(folder).reason == "", 2 * LIMIT_S)
    assert serving.stop(folder).state == "stopped"
    nothing_left(cluster)


def test_inside_of_a_job_it_is_a_step_of_it(
    cluster: Cluster, engine: FakeEngine, home: Path
) -> None:
    engine()
    code = (
        "from aim_jupyter.core import api, serving\n"
        "from aim_jupyter.core.request import Request\n"
        "folder = api.launch(Request(model='demo', on='slurm'))\n"
        "for _ in api.wait(folder.name, limit_s=120): pass\n"
        "record = api.reachable(folder)\n"
        "print(record.job.id, record.away, bool(record.address.socket))\n"
        "print(serving.stop(folder).state)\n"
    )
    script = home / "inside.py"
    script.write_text(code)
    told = cluster.ask(
        *("srun", "-p", "cpu", "--time=5", "--export=ALL", sys.executable, str(script)),
        env=os.environ,
    )
    job, away, socket, state = told.split()
    assert "." in job
    assert (away, socket, state) == ("False", "True", "stopped")
    nothing_left(cluster)


@pytest.mark.engine
def test_the_real_engine_answers_from_a_job(
    cluster: Cluster, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert home.is_dir()
    use_installed_engine(monkeypatch)
    folder = running(replace(THERE, start="lean"))
    # What the demo model says of all that it has not learned.
    assert "memorised" in say(folder, "What is the capital of France?")
    assert serving.current(folder).host == PLAIN
    assert serving.stop(folder).state == "stopped"
    nothing_left(cluster)
