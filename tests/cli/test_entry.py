"""The image's entry point, as a program of its own outside of any image."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aim_jupyter.cli import entry
from aim_jupyter.cli.entry import jobs
from aim_jupyter.core import api, serving
from aim_jupyter.core.errors import BadUsage
from tests.conftest import FakeEngine
from tests.hub import model_files, running_hub
from tests.waiting import LIMIT_S, launch_ready

OURS = [sys.executable, "-m", "aim_jupyter"]
#: The entry would leave root first, for a user that only the image has.
AS_USER = """
import os, sys
os.getuid = lambda: 1001
from aim_jupyter.cli import entry
sys.exit(entry.main())
"""


def test_lab_is_what_starts_where_nothing_is_said() -> None:
    (job,) = jobs([])
    assert job == jobs(["lab"])[0]
    assert job.argv[1:3] == ["-m", "jupyterlab"]
    assert {"--ip=0.0.0.0", "--port=8888", "--no-browser"} <= set(job.argv)
    assert job.ends_on == signal.SIGTERM


def test_hub_is_the_single_user_server() -> None:
    (job,) = jobs(["hub", "--debug"])
    assert job.argv[1:3] == ["-m", "jupyterhub.singleuser"]
    assert job.argv[-1] == "--debug"


@pytest.mark.parametrize("verb", ["launch", "serve"])
def test_a_server_stays_on_the_published_port(verb: str) -> None:
    (job,) = jobs([verb, "demo", "--users", "4"])
    assert job.argv == [
        *OURS,
        *("serve", "demo", "--users", "4"),
        *("--port", "8000", "--listen", "0.0.0.0", "--idle", "never"),
    ]
    assert job.ends_on == signal.SIGINT


def test_what_is_said_of_a_server_holds() -> None:
    (job,) = jobs(["serve", "demo", "--port=9000", "--idle", "30m"])
    assert job.argv == [
        *OURS,
        *("serve", "demo", "--port=9000", "--idle", "30m", "--listen", "0.0.0.0"),
    ]


def test_models_are_fetched_first() -> None:
    first, then = jobs(["cache", "stats"], " a/b, demo ,")
    assert first.argv == [*OURS, "cache", "prefetch", "a/b", "demo"]
    assert then.argv == [*OURS, "cache", "stats"]


def test_any_other_word_is_a_program() -> None:
    assert jobs(["top", "-b"]) == [entry.Job(["top", "-b"])]


@contextmanager
def started(*words: str, **environ: str) -> Iterator[subprocess.Popen[str]]:
    argv = [sys.executable, "-c", AS_USER, *words]
    run = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **environ},
    )
    try:
        yield run
    finally:
        run.kill()
        run.communicate()


def ran(*words: str, **environ: str) -> tuple[int, str, str]:
    with started(*words, **environ) as run:
        out, err = run.communicate(timeout=120)
        return run.returncode, out, err


def test_a_program_is_run_and_its_end_is_ours() -> None:
    code, out, err = ran("sh", "-c", "echo said; exit 3")
    assert (code, out) == (3, "said\n")
    assert "no AMD GPU" in err.splitlines()[0]


def test_a_program_that_a_signal_ended_is_told_as_shells_do() -> None:
    assert ran("sh", "-c", "kill -9 $$")[0] == 137


def test_an_unknown_program_is_two_lines() -> None:
    code, _, err = ran("nonsense")
    assert code == 1
    assert err.splitlines()[1:] == [
        "BadUsage: nonsense can't be run: No such file or directory.",
        "To do: lab, hub, launch, serve, cache, or a program of the image",
    ]


def test_a_missing_device_is_told_with_its_flag(isolated: Path) -> None:
    node = isolated / "machine/sys/class/kfd/kfd/topology/nodes/0"
    node.mkdir(parents=True)
    (isolated / "machine/dev").mkdir()
    code, _, err = ran("true")
    assert code == 0
    assert "kfd: /dev/kfd is missing" in err
    assert "To do: start the container with --device /dev/kfd --device /dev/dri" in err


def test_the_signal_to_end_is_handed_on() -> None:
    # `sleep` would do, but for the word that tells that the trap is set.
    with started("sh", "-c", "trap 'exit 7' TERM; echo set; while :; do sleep 0.05; done") as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "set\n"
        run.send_signal(signal.SIGTERM)
        assert run.wait(LIMIT_S) == 7


def test_a_server_ends_with_the_entry_whoever_launched_it(fake: FakeEngine) -> None:
    fake()
    folder = launch_ready()
    code, _, err = ran("true")
    assert code == 0
    assert f"Stopping {folder.name} …" in err
    assert f"{folder.name}: stopped" in err
    assert not serving.current(folder).live


def test_serving_ends_on_the_signal(fake: FakeEngine) -> None:
    fake()
    with started("launch", "demo", "--listen", "127.0.0.1", "--port", "0") as run:
        assert run.stdout is not None
        assert any("Ctrl-C stops" in line for line in run.stdout)
        (view,) = api.servers()
        assert entry.healthy()
        run.send_signal(signal.SIGTERM)
        assert run.wait(LIMIT_S) == 0
    assert api.status(view.record.name).record.state == "stopped"
    assert not entry.healthy()


def test_what_was_wanted_first_and_failed_ends_the_start(isolated: Path) -> None:
    code, out, err = ran(
        "echo", "started", AIM_PREDOWNLOAD="nobody/nothing", HF_ENDPOINT="http://127.0.0.1:9"
    )
    assert code == 1
    assert "started" not in out
    assert "To do: connect to the network" in err


def test_what_was_wanted_first_is_there_when_it_starts() -> None:
    with running_hub() as hub:
        hub.repos["nobody/small"] = model_files()
        listed = (*OURS, "cache", "--json")
        code, out, err = ran(*listed, AIM_PREDOWNLOAD="nobody/small", HF_ENDPOINT=hub.url)
    assert code == 0, err
    (model,) = json.loads(out.splitlines()[-1])
    assert (model["model"], model["state"]) == ("nobody/small", "complete")


def test_without_the_image_root_is_not_left() -> None:
    if os.getuid() != 0:
        pytest.skip("only root is told")
    with pytest.raises(BadUsage, match="no user aim-engine"):
        entry.leave_root(["lab"])
    assert entry.main(["lab"]) == 1
