"""Engines in containers: what they are started with, and that nothing of them is left.

With a stand-in for docker (`tests.boxes`); tests/docker does the same with docker and podman.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from aim_jupyter.core import api, config, gpus, serving
from aim_jupyter.core.errors import BadUsage, ServerGone
from aim_jupyter.core.records import Image
from aim_jupyter.core.request import Request, words
from aim_jupyter.core.serving import ServerFolder
from aim_jupyter.core.serving.start import containers, engine
from aim_jupyter.core.serving.start.engine import GUARD
from aim_jupyter.core.serving.state.process import alive, members
from aim_jupyter.testing import Script, fake_engine
from tests import boxes
from tests.boxes import Docker
from tests.core.gpus import trees
from tests.core.serving.state.test_starts import PLAN
from tests.waiting import launch_ready, say, until

NAME = "container:own/engine:1"
DEMO = Request(model="demo", engine=NAME)
IMAGE = Image(name="own/engine:1", id="0123456789abcdef", program="docker")


@pytest.fixture
def docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Docker]:
    """Put a docker on the path that has one image with the fake engine."""
    made = boxes.docker(tmp_path / "docker", fake_engine(tmp_path, Script(children=1)))
    made.add("own/engine:1")
    monkeypatch.setenv("PATH", boxes.path_with(made))
    yield made
    boxes.end(made)


def engine_run(docker: Docker) -> list[str]:
    """Return the words of the last ``docker run`` of an engine."""
    return next(words for words in reversed(docker.runs()) if "--label" in words)


def values(option: str, words: list[str]) -> list[str]:
    return [word for at, word in enumerate(words) if at and words[at - 1] == option]


def processes(docker: Docker) -> list[int]:
    return [box["pid"] for box in docker.boxes().values()]


def gone(docker: Docker, pids: list[int]) -> bool:
    return docker.boxes() == {} and not any(Path(f"/proc/{pid}/exe").exists() for pid in pids)


def client_of(folder: ServerFolder) -> int:
    """Return the pid of ``docker run``: a child of the attendant."""
    told = engine.notes(folder.path)
    assert told is not None
    children = Path(f"/proc/{told.engine}/task/{told.engine}/children").read_text().split()
    return int(children[0])


def test_a_server_in_a_container_is_like_any_other(
    docker: Docker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_OF_MINE", "word")
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    folder = launch_ready(DEMO)
    record = folder.read()
    assert say(folder, "hello") == "You said: hello"
    assert (record.plan.mode, record.started_by) == ("plain", "plain")
    assert [stage.stage for stage in record.stages] == ["boot", "load", "ready"]
    first = next(event for event in folder.events.read() if event.stage == "boot")
    assert first.message == f"docker own/engine:1, plain: {containers.MODE_REASON}"
    check_words(folder, engine_run(docker))
    inside = containers.processes(record.plan, folder.path)
    check_processes(folder, inside)
    assert inside[0] == processes(docker)[0]
    # Launched again, it is the same server.
    assert api.launch(DEMO).name == folder.name
    stopped = serving.stop(folder)
    assert (stopped.state, stopped.reason) == ("stopped", f"stopped by {config.user()}")
    assert f" --engine {NAME}" in words.again(stopped.plan)
    until(lambda: gone(docker, inside))


def check_words(folder: ServerFolder, words: list[str]) -> None:
    """Check what docker is told: it sees what the plan names, can change nothing, has no key."""
    assert folder.key() not in " ".join(words)
    assert "--env" not in words
    # It listens on loopback, of this machine.
    assert values("--network", words) == ["host"]
    assert words[words.index("--host") + 1] == "127.0.0.1"
    assert "--publish" not in words
    assert values("--label", words)[0] == f"{containers.LABEL}={folder.path}"
    mounts = values("--mount", words)
    assert all(mount.endswith(",readonly") for mount in mounts)
    places = [dict(part.partition("=")[::2] for part in mount.split(",")) for mount in mounts]
    shown = {place["target"]: place["source"] for place in places}
    model = folder.read().plan.model_path
    assert shown[model] == model
    assert shown[containers.GUARD] == str(GUARD)
    assert shown[containers.FOLDER] == str(folder.path)
    assert len(shown) == 4  # and the adapter


def check_processes(folder: ServerFolder, inside: list[int]) -> None:
    """Check what is counted, and what the processes could be read from by others."""
    leader = folder.read().engine
    assert leader is not None
    outside = members(leader)
    # The keeper, the attendant, the client; the first one, the engine and its child.
    assert (len(outside), len(inside)) == (3, 3)
    assert not set(inside) & set(outside)
    lines = [Path(f"/proc/{pid}/cmdline").read_text() for pid in (*inside, *outside)]
    assert not any(folder.key() in line for line in lines)
    env = Path(f"/proc/{inside[1]}/environ").read_text()
    assert "SECRET_OF_MINE" not in env
    assert "hf_secret" not in env
    assert folder.key() in env


def test_a_lost_supervisor_is_replaced(docker: Docker) -> None:
    folder = launch_ready(DEMO)
    before = folder.read()
    assert before.supervisor is not None
    os.kill(before.supervisor.pid, signal.SIGKILL)
    until(lambda: alive(folder.read().supervisor))
    assert say(folder, "still there") == "You said: still there"
    inside = containers.processes(before.plan, folder.path)
    assert serving.stop(folder).state == "stopped"
    until(lambda: gone(docker, inside))


@pytest.mark.parametrize("killed", ["keeper", "attendant", "client"])
def test_whatever_is_killed_the_container_ends(docker: Docker, killed: str) -> None:
    folder = launch_ready(DEMO)
    record, told = folder.read(), engine.notes(folder.path)
    assert told is not None
    inside = containers.processes(record.plan, folder.path)
    pid = {"keeper": told.pid, "attendant": told.engine, "client": client_of(folder)}[killed]
    os.kill(pid, signal.SIGKILL)
    until(lambda: not folder.read().live)
    assert folder.read().state == "failed"
    until(lambda: gone(docker, inside))
    assert record.engine is not None
    assert members(record.engine) == []


def test_how_the_engine_ended_is_told(docker: Docker) -> None:
    folder = launch_ready(DEMO)
    (first,) = processes(docker)
    inside = Path(f"/proc/{first}/task/{first}/children").read_text().split()
    os.kill(int(inside[0]), signal.SIGKILL)
    until(lambda: not folder.read().live)
    record = folder.read()
    assert (record.exit_code, record.reason) == (-signal.SIGKILL, "The engine was killed.")


def test_a_container_that_can_not_be_removed_is_named(
    docker: Docker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(containers, "_REMOVE_S", 5.0)
    folder = launch_ready(DEMO)
    name = next(iter(docker.boxes()))
    docker.be_stubborn()
    # As if its first process would not end with its client: the daemon holds on to the record.
    box = docker.place / "boxes" / name
    kept = box.read_text()
    os.kill(client_of(folder), signal.SIGKILL)
    until(lambda: not folder.read().live, 120)
    assert box.read_text() == kept
    assert f"container {name} of the engine could not be ended" in str(folder.read().crash)
    (orphan,) = [check for check in api.doctor() if check.name == "container"]
    assert orphan.found == f"container {name} runs, and its server demo has ended"
    assert orphan.fix == f"docker rm --force {name}"
    (docker.place / "stubborn").unlink()
    assert containers.end(folder.read().plan, folder.path) == []


def test_a_daemon_that_has_gone_is_no_word_that_all_is_well(docker: Docker) -> None:
    folder = launch_ready(DEMO)
    program = docker.place / "programs/docker"
    kept = program.read_text()
    program.write_text(
        "#!/bin/sh\n"
        "echo 'Cannot connect to the Docker daemon at unix:///run/docker.sock."
        " Is the docker daemon running?' >&2\nexit 1\n"
    )
    with pytest.raises(ServerGone, match="docker's daemon does not run"):
        serving.stop(folder, drain_s=0)
    assert folder.read().state == "unknown"
    program.write_text(kept)
    assert serving.stop(folder, drain_s=0).state in ("stopped", "unknown")
    assert docker.boxes() == {}


def test_gpus_are_those_of_the_plan_counted_anew(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    machine = trees.written(trees.mi300x(4), tmp_path / "gpus")
    monkeypatch.setenv("AIM_SYS_ROOT", str(machine))
    plan = replace(PLAN, image=IMAGE, gpus=(1, 3))
    folder = tmp_path / "server"
    variables = containers.variables(plan, {"HIP_VISIBLE_DEVICES": "1,3", "HF_HUB_OFFLINE": "1"})
    assert variables["HIP_VISIBLE_DEVICES"] == "0,1"
    words = containers.command(plan, ["python3", "-m", "engine"], folder, variables)
    nodes = [value.partition(":")[2] for value in values("--device", words)]
    assert "--ipc" in words
    assert nodes == ["/dev/kfd", "/dev/dri/renderD136", "/dev/dri/renderD152"]


def test_its_gpus_are_leased_for_as_long_as_it_is_there(
    docker: Docker, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("AIM_LEASE_DIR", str(tmp_path / "leases"))
    monkeypatch.setenv("AIM_SYS_ROOT", str(trees.written(trees.mi300x(2), tmp_path / "gpus")))
    plan = replace(api.plan(replace(DEMO, force=True)), gpus=(1,))
    folder = serving.launch(plan)
    until(lambda: folder.read().state == "running", 30)
    nodes = [value.partition(":")[2] for value in values("--device", engine_run(docker))]
    assert nodes == ["/dev/kfd", "/dev/dri/renderD136"]
    inside = containers.processes(plan, folder.path)
    assert "\0HIP_VISIBLE_DEVICES=0\0" in Path(f"/proc/{inside[1]}/environ").read_text()
    supervisor = folder.read().supervisor
    assert supervisor is not None
    os.kill(supervisor.pid, signal.SIGKILL)
    # The attendant holds it, so that nobody else gets it.
    assert leased_to() == [None, "demo"]
    until(lambda: alive(folder.read().supervisor), 20)
    assert serving.stop(folder).state == "stopped"
    assert leased_to() == [None, None]
    assert gone(docker, inside)


def leased_to() -> list[str | None]:
    return [gpu.server for gpu in gpus.machine().gpus]


def test_on_the_cpu_it_is_given_no_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AIM_SYS_ROOT", str(trees.written(trees.mi300x(1), tmp_path / "gpus")))
    plan = replace(PLAN, image=IMAGE)
    words = containers.command(plan, ["python3"], tmp_path, {})
    assert values("--device", words) == []
    assert values("--shm-size", words) == ["1g"]
    assert containers.variables(plan, {})["HIP_VISIBLE_DEVICES"] == "-1"


@pytest.mark.parametrize(
    ("where", "contents", "shown"),
    [("plain", "blobs", ("plain", "blobs")), ("repo/snapshots/abc", "repo/blobs", ("repo",))],
)
def test_files_that_links_lead_to_are_seen_as_well(
    tmp_path: Path, where: str, contents: str, shown: tuple[str, ...]
) -> None:
    blobs, model = tmp_path / contents, tmp_path / where
    for place in (blobs, model):
        place.mkdir(parents=True)
    (blobs / "1234").touch()
    (model / "config.json").symlink_to(blobs / "1234")
    template = tmp_path / "chat.jinja"
    template.touch()
    argv = ("python3", f"--chat-template={template}", "--seed", "/", "--uds", "/no/such")
    plan = replace(PLAN, image=IMAGE, model_path=str(model), argv=argv)
    words = containers.command(plan, ["python3"], tmp_path / "server", {})
    sources = [mount.split(",")[1] for mount in values("--mount", words)]
    expected = [*(tmp_path / one for one in shown), template]
    assert sources[-len(expected) :] == [f"source={path}" for path in expected]


def test_a_socket_file_is_refused(docker: Docker) -> None:
    with pytest.raises(BadUsage, match="can't listen on a socket file of yours"):
        api.plan(replace(DEMO, listen="unix"))


def test_the_same_command_in_another_image_is_another_server() -> None:
    other = replace(PLAN, image=IMAGE)
    assert other.command != PLAN.command
    assert other.fingerprint != PLAN.fingerprint
    assert replace(other, image=replace(IMAGE, id="f")).fingerprint != other.fingerprint


def test_what_docker_refuses_is_the_crash(docker: Docker) -> None:
    program = docker.place / "programs/docker"
    refusing = (
        "docker: Error response from daemon: error gathering device information while adding"
        ' custom device "/dev/kfd": no such file or directory'
    )
    kept = program.read_text()
    program.write_text(
        kept.replace(
            "exec",
            f'if [ "$1" = run ] && [ -z "${{3##aim-demo-*}}" ]; then echo \'{refusing}\' >&2;'
            " echo >&2; echo \"Run 'docker run --help' for more information\" >&2; exit 125; fi\n"
            "exec",
        )
    )
    folder = api.launch(DEMO)
    until(lambda: not folder.read().live)
    record = folder.read()
    assert (record.state, record.reason) == ("failed", "/dev/kfd is not here.")
    assert record.crash is not None
    assert "%aim doctor" in record.crash.cause + record.crash.try_line
    assert record.crash.cleaned_up == "no engine process left"
