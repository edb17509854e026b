"""The image, really built and run: as an administrator does it, on a machine without docker."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

from aim_jupyter.core.sizes import MIB
from tests.core.gpus.trees import mi300x, written
from tests.docker.containers import Container, Wish, ran, started
from tests.docker.images import IMAGE, ROOT, Store
from tests.waiting import until

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

CACHE = "/workspace/model-cache"
#: As docker/README.md has it for a read-only root.
TMPFS = ("/tmp", "/home/aim-engine")
STRANGER = 1_000_650_000

#: A client from outside, with the key that ``aim-engine client`` tells of.
CHAT = """
import sys, openai
client = openai.OpenAI(base_url="http://127.0.0.1:8000/v1", api_key=sys.argv[1], max_retries=0)
asked = [{"role": "user", "content": "How do I free a GPU?"}]
reply = client.chat.completions.create(model="default", messages=asked)
print(reply.choices[0].message.content)
"""
STATUS = """
import sys, urllib.request, urllib.error
try:
    print(urllib.request.urlopen(sys.argv[1], timeout=20).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""
ZOMBIES = """
import pathlib
for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
    print(path.parent.name, path.read_text().rpartition(")")[2].split()[0])
"""
#: Leaves an orphan that ends after its parent has.
ORPHAN = "(sleep 0.2 &); sleep 1; python3 -c '{}'".format(ZOMBIES.replace("'", '"'))


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a context as ``make image`` prepares it, in a place of its own."""
    folder = tmp_path_factory.mktemp("context")
    code = "import sys, pathlib, prepare; prepare.prepare(pathlib.Path(sys.argv[1]))"
    argv = [sys.executable, "-c", code, str(folder)]
    subprocess.run(argv, cwd=ROOT / "docker", check=True)
    return folder


@pytest.fixture(scope="module")
def image(base: tuple[Store, float], context: Path) -> Store:
    """Build the image, and say in build/image.txt what that took and what it added."""
    store, took_s = base
    assert LACKS in refused(store, context)
    report(store, {"base": took_s, "image": _timed(lambda: store.build(context))})
    return store


LACKS = "The base has no vLLM beside its python3.\nTry: --build-arg BASE="


def refused(store: Store, context: Path) -> str:
    """Return what a build on a base without an engine says.

    Once, at a load of 20, buildah 1.28 told of the failed step and not of its words: hence again.
    """
    said = ""
    for _ in range(3):
        built = store.build(context, engine=False, check=False)
        assert built.returncode != 0
        said = built.stdout + built.stderr
        if LACKS in said:
            break
    return said


def _timed(what: object) -> float:
    began = time.monotonic()
    assert callable(what)
    what()
    return time.monotonic() - began


def report(store: Store, took: dict[str, float]) -> None:
    lines = [f"{name}: {seconds:.0f} s" for name, seconds in took.items()]
    base, *added = store.layers()
    lines += [f"base: {base[1] / MIB:.1f} MiB, without the engine"]
    lines += [f"{size / MIB:8.1f} MiB  {made[-90:]}" for made, size in sorted(added, key=_size)]
    lines += [f"{sum(map(_size, added)) / MIB:8.1f} MiB  in all over the base"]
    (ROOT / "build").mkdir(exist_ok=True)
    (ROOT / "build/image.txt").write_text("\n".join(lines) + "\n")


def _size(layer: tuple[str, int]) -> int:
    return layer[1]


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """Return a volume as docker makes it: with the owner and mode of what it covers."""
    folder = tmp_path / "volume"
    folder.mkdir()
    os.chown(folder, 1001, 1001)
    folder.chmod(0o755)
    return folder


def test_it_says_of_itself_what_the_seed_asks_for(image: Store) -> None:
    told = image.config()
    assert told["User"].isdecimal()
    assert told["Cmd"] == ["lab"]
    assert set(told["ExposedPorts"]) == {"8000/tcp", "8888/tcp"}
    assert set(told["Volumes"]) == {CACHE}
    assert told["Healthcheck"]["Test"] == [
        "CMD",
        "python3",
        "-m",
        "aim_jupyter.cli.entry",
        "health",
    ]
    environ = dict(pair.split("=", 1) for pair in told["Env"])
    names = (
        "AIM_CACHE_DIR",
        "HF_HOME",
        "HF_DATASETS_CACHE",
        "TRANSFORMERS_CACHE",
        "VLLM_CACHE_DIR",
    )
    assert {environ[name] for name in names} == {CACHE}
    assert environ["AIM_CACHE_ENABLED"] == environ["HF_HUB_DISABLE_TELEMETRY"] == "1"
    assert environ["PYTORCH_CUDA_ALLOC_CONF"] == "max_split_size_mb:512"


def test_nobody_is_root_and_the_cache_is_the_users(image: Store, tmp_path: Path) -> None:
    code, said = ran(
        image, tmp_path, Wish(("sh", "-c", f"id; stat -c '%U:%G %a %n' {CACHE} {CACHE}/*"))
    )
    assert code == 0
    assert "uid=1001(aim-engine) gid=1001(aim-engine) groups=1001(aim-engine)" in said
    folders = ["", "/configs", "/datasets", "/models", "/tokenizers"]
    assert said.splitlines()[-5:] == [
        f"aim-engine:aim-engine 755 {CACHE}{name}" for name in folders
    ]


def test_root_gives_the_cache_away_and_is_left(image: Store, tmp_path: Path) -> None:
    machine = written(mi300x(1), tmp_path / "machine")
    os.chown(machine / "dev/kfd", 0, 992)
    (volume := tmp_path / "of-root").mkdir()
    wish = Wish(
        ("id",),
        user=(0, 0),
        volumes=((volume, CACHE), (machine, "/machine")),
        environ={"AIM_SYS_ROOT": "/machine"},
    )
    code, said = ran(image, tmp_path, wish)
    assert code == 0
    assert "uid=1001(aim-engine) gid=1001(aim-engine) groups=1001(aim-engine),992" in said
    for folder in (volume, *volume.iterdir()):
        facts = folder.stat()
        assert (facts.st_uid, facts.st_gid, facts.st_mode & 0o777) == (1001, 1001, 0o755)
    assert {folder.name for folder in volume.iterdir()} == {
        "models",
        "tokenizers",
        "configs",
        "datasets",
    }


@pytest.mark.parametrize(
    ("lacking", "flag"),
    [
        ("dev/kfd", "--device /dev/kfd --device /dev/dri"),
        ("dev/dri", "--device /dev/kfd --device /dev/dri"),
        ("group", "--group-add 992"),
    ],
)
def test_a_wrong_device_setup_is_told_with_the_flag(
    image: Store, tmp_path: Path, lacking: str, flag: str
) -> None:
    machine = written(mi300x(1), tmp_path / "machine")
    for path in (machine / "dev/kfd", *(machine / "dev/dri").iterdir()):
        os.chown(path, 0, 992)
        path.chmod(0o660)
    if lacking == "dev/kfd":
        (machine / lacking).unlink()
    elif lacking == "dev/dri":
        shutil.rmtree(machine / lacking)
    wish = Wish(("true",), volumes=((machine, "/machine"),), environ={"AIM_SYS_ROOT": "/machine"})
    code, said = ran(image, tmp_path, wish)
    assert code == 0
    assert f"To do: start the container with {flag}" in said


def test_what_is_orphaned_is_reaped(image: Store, tmp_path: Path) -> None:
    code, said = ran(image, tmp_path, Wish(("sh", "-c", ORPHAN)))
    assert code == 0
    states = [line.split()[1] for line in said.splitlines() if re.fullmatch(r"\d+ [A-Z]", line)]
    assert len(states) >= 3
    assert "Z" not in states


def test_the_single_user_server_of_a_hub_is_there(image: Store, tmp_path: Path) -> None:
    _, said = ran(image, tmp_path, Wish(("hub",)))
    assert re.search(r"Starting jupyterhub single-user server extension version \d", said), said
    assert "aim_jupyter | extension was successfully linked" in said
    # Without a hub there is nobody to tell it where to listen.
    assert "Missing required environment $JUPYTERHUB_SERVICE_URL" in said


def test_what_can_not_be_downloaded_first_is_told_and_nothing_starts(
    image: Store, tmp_path: Path, volume: Path
) -> None:
    wish = Wish(
        ("echo", "started"),
        volumes=((volume, CACHE),),
        environ={"AIM_PREDOWNLOAD": "nobody/nothing, nobody/else"},
    )
    code, said = ran(image, tmp_path, wish)
    assert code != 0
    assert "Offline: " in said
    assert "started" not in said


def test_a_server_answers_until_the_container_is_stopped(
    image: Store, tmp_path: Path, volume: Path
) -> None:
    home = tmp_path / "kept-home"
    home.mkdir()
    os.chown(home, 1001, 1001)
    wish = Wish(
        ("launch", "demo"),
        read_only=True,
        tmpfs=("/tmp",),
        volumes=((volume, CACHE), (home, "/home/aim-engine")),
        cores=1,
        memory_bytes=3 << 30,
    )
    with started(image, tmp_path, wish) as box:
        until(lambda: "Ctrl-C stops demo" in box.log or box.process.poll() is not None, 240)
        assert box.process.poll() is None, box.log + engine_log(home)
        assert "1 core, 3.0 GiB" in box.log
        key = box.said("cat", json.loads(box.said("aim-engine", "client", "--json"))["key_file"])
        assert "%aim stop" in box.ask(CHAT, key)
        assert box.ask(STATUS, "http://127.0.0.1:8000/v1/models") == "401"
        assert box.exec("python3", "-m", "aim_jupyter.cli.entry", "health").returncode == 0
        facts = [Path(f"/proc/{pid}/status").read_text() for pid in box.pids()]
        assert len(facts) >= 4
        assert all("\nUid:\t1001\t1001\t1001\t1001\n" in text for text in facts)
        assert not any("\nState:\tZ" in text for text in facts)
        assert b"OMP_NUM_THREADS=1" in environment_of("vllm.entrypoints", box)
        box.process.terminate()
        assert box.wait(90) == 0
        assert "Stopping demo" in box.log
        assert box.pids() == []
    assert (volume.stat().st_uid, volume.stat().st_mode & 0o777) == (1001, 0o755)


def engine_log(home: Path) -> str:
    """Return what the engine said, for a failure to tell."""
    logs = home.glob(".local/state/aim_jupyter/servers/*/engine.log")
    return "\n".join(log.read_text()[-6000:] for log in logs)


def environment_of(word: str, box: Container) -> bytes:
    """Return the variables of the process with that word in its command line."""
    for pid in box.pids():
        if word.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
            return Path(f"/proc/{pid}/environ").read_bytes()
    raise AssertionError(f"no process of {word}")


def test_any_user_can_serve_on_a_read_only_root(image: Store, tmp_path: Path) -> None:
    say = (
        "aim-engine launch demo && aim-engine wait && aim-engine chat --say 'How do I free a GPU?'"
    )
    wish = Wish(
        ("sh", "-c", f"id -u; {say} || aim-engine logs -n 60"),
        user=(STRANGER, 0),
        read_only=True,
        tmpfs=TMPFS,
    )
    with started(image, tmp_path, wish) as box:
        assert box.wait(300) == 0, box.log
        assert f"\n{STRANGER}\n" in box.log
        assert f"cache: {CACHE} can't be written" in box.log
        assert "%aim stop" in box.log
        assert "demo: stopped" in box.log


def test_lab_is_there_and_its_servers_end_with_it(
    image: Store, tmp_path: Path, volume: Path
) -> None:
    wish = Wish(
        read_only=True,
        tmpfs=TMPFS,
        volumes=((volume, CACHE),),
        environ={"JUPYTER_TOKEN": "word"},
    )
    with started(image, tmp_path, wish) as box:
        health = ("python3", "-m", "aim_jupyter.cli.entry", "health")
        until(lambda: box.exec(*health).returncode == 0, 90)
        assert box.ask(STATUS, "http://127.0.0.1:8888/api/contents") == "403"
        assert box.ask(STATUS, "http://127.0.0.1:8888/lab?token=word") == "200"
        listed = box.exec("jupyter", "labextension", "list")
        assert "aim-jupyter v" in listed.stdout + listed.stderr
        assert box.exec("aim-engine", "launch", "demo").returncode == 0
        box.process.terminate()
        assert box.wait(90) == 0, box.log
        assert "demo: stopped" in box.log


def test_a_change_of_the_source_builds_two_layers_anew(image: Store, context: Path) -> None:
    (wheel,) = context.glob("*.whl")
    with zipfile.ZipFile(wheel, "a") as archive:
        archive.writestr("aim_jupyter/changed.txt", "changed")
    began = time.monotonic()
    done = image.build(context)
    with (ROOT / "build/image.txt").open("a") as written_down:
        written_down.write(f"after a change of the source: {time.monotonic() - began:.1f} s\n")
    steps = re.split(r"^STEP \d+/\d+: ", done.stdout, flags=re.MULTILINE)[1:]
    built = [step.split()[0] for step in steps if "Using cache" not in step]
    assert [word for word in built if word not in ("FROM", "USER")] == ["COPY", "RUN"], built
    assert IMAGE in done.stdout
