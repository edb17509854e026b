"""Two users of a real JupyterHub on one node with eight GPUs: what each has, and what neither may.

The hub runs the documented configuration, each single-user server under a Unix user of its own.
The machine is the captured tree of eight MI308X, the MI300X with fewer units, in 32 partitions: of
MI300X themselves tools' outputs were captured, never a tree. Two of its cards were in use, which
is why the shared partitions and those that are handed out are of two others. What no capture
holds is made: the files in /dev. The engine is the fake one.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import pwd
import shutil
import subprocess
import sysconfig
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from aim_jupyter import demo
from aim_jupyter.testing import Script, fake_engine
from tests import users
from tests.conftest import scrubbed
from tests.core.cache.folders import WHOLE, cached
from tests.core.gpus import captured
from tests.jupyterhub import hub as real
from tests.jupyterhub.hub import Hub, Seat

pytestmark = [captured.needed, pytest.mark.timeout(600)]

ALICE, BOB = "aim-alice", "aim-bob"
MACHINE = "mi308x-8-cpx-nps4"
#: By the driver's order: the partitions of its second card, and of its fourth.
SHARED, OWN = [4, 5, 6, 7], [12, 13, 14, 15]
GPUS = 32
MODEL, SERVER = "Qwen/Qwen3-8B", "qwen3-8b"
#: Of the model's own, what its memory follows from.
CONFIG = {
    "model_type": "qwen3",
    "architectures": ["Qwen3ForCausalLM"],
    "hidden_size": 4096,
    "num_hidden_layers": 36,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "intermediate_size": 12288,
    "vocab_size": 151936,
    "max_position_embeddings": 40960,
    "torch_dtype": "bfloat16",
}
WORDS = "one two three four five six"


@pytest.fixture(scope="module")
def node() -> Iterator[Path]:
    """Return a node with two users, eight GPUs, a model and an engine."""
    users.needs_several()
    if real.proxy() is None:
        pytest.skip("no configurable-http-proxy: make proxy installs it, and wants node and npm")
    folder = Path(tempfile.mkdtemp(prefix="aim-node-"))
    folder.chmod(0o755)
    try:
        for name in (ALICE, BOB):
            _add_user(name, folder / name)
        with scrubbed(folder) as patch:
            patch.setenv("AIM_CACHE_DIR", str(folder / "models"))
            put_model()
            yield folder
    finally:
        for name in (ALICE, BOB):
            subprocess.run(["pkill", "-KILL", "-u", name], check=False)
            subprocess.run(["userdel", name], check=False, capture_output=True)
        shutil.rmtree(folder)


def put_model() -> None:
    """Put a model into the cache whose files are good: a start looks into each before it begins."""
    blobs = cached(MODEL, *WHOLE) / "blobs"
    for name in WHOLE:
        shutil.copy(demo.FOLDER / name, blobs / name)
    (blobs / "config.json").write_text(json.dumps(CONFIG))


def _add_user(name: str, home: Path) -> None:
    add = ["useradd", "--no-log-init", "--no-create-home", "--shell", "/bin/sh"]
    subprocess.run([*add, "--home-dir", str(home), name], check=True, capture_output=True)
    home.mkdir(mode=0o700)
    os.chown(home, pwd.getpwnam(name).pw_uid, pwd.getpwnam(name).pw_gid)


@pytest.fixture(scope="module")
def hub(node: Path) -> Iterator[Hub]:
    """Return the hub of that node."""
    engine = fake_engine(node, Script(token_s=0.15))
    program = users.interpreter() or ""
    text = engine.read_text()
    engine.write_text(
        "".join(
            f'exec {program} "$@"\n' if line.startswith("exec ") else line
            for line in text.splitlines(keepends=True)
        )
    )
    environment = {
        "AIM_ENGINE_PYTHON": str(engine),
        "AIM_LEASE_DIR": str(node / "leases"),
        # The fake engine has none of vLLM's insides that the other ways of starting rely on.
        "AIM_START": "plain",
        "AIM_SHARED_CACHE_DIR": str(node / "models"),
        "AIM_SYS_ROOT": str(machine(node)),
        "JUPYTER_CONFIG_PATH": str(Path(sysconfig.get_path("data")) / "etc" / "jupyter"),
        "PYTHONPATH": users.packages(),
    }
    (node / "leases").mkdir()
    (node / "leases").chmod(0o1777)
    started = Hub(node, [ALICE, BOB], environment, shared=SHARED, own=OWN, ends=BOB)
    yield started
    started.end()


def machine(node: Path) -> Path:
    """Return the captured machine where all users can read it, with the files in /dev."""
    root = node / "machine-of-all"
    shutil.copytree(captured.tree(MACHINE, node), root)
    dri = root / "dev" / "dri"
    dri.mkdir(parents=True)
    minors = [gpu["render_minor"] for gpu in captured.expected(MACHINE)["gpus"]]
    for device in (root / "dev" / "kfd", *(dri / f"renderD{minor}" for minor in minors)):
        device.touch()
        # The group `render` of real ones is everybody here.
        device.chmod(0o666)
    for folder in (root, *root.rglob("*/")):
        folder.chmod(0o755)
    return root


def address(index: int) -> str:
    """Return where the captured GPU of that number is on the bus."""
    found: str = captured.expected(MACHINE)["gpus"][index]["pci_bdf"]
    return found


@pytest.fixture(scope="module")
def seats(hub: Hub) -> Iterator[tuple[Seat, Seat]]:
    """Return both users, each with a single-user server and a server of a model: at once."""
    both = (hub.add(ALICE), hub.add(BOB))
    with ThreadPoolExecutor(2) as at_once:
        list(at_once.map(lambda seat: hub.start(seat.name), both))
        list(at_once.map(_launch, both))
        list(at_once.map(lambda seat: seat.running(SERVER), both))
    yield both
    for seat in both:
        seat.client.close()


def _launch(seat: Seat) -> Any:
    return seat.ask("POST", "servers", 201, json={"model": MODEL})


def test_both_have_launched_at_once_on_different_gpus(seats: tuple[Seat, Seat]) -> None:
    held = [seat.running(SERVER)["gpus"] for seat in seats]
    assert len(set(held)) == 2
    assert set(held) <= {"0", "1", "2", "3"}
    for seat, other in itertools.permutations(seats):
        gpus = seat.status()["gpus"]
        assert [gpu["state"] for gpu in gpus].count("hidden") == GPUS - len(SHARED)
        holders = {str(gpu["gpu"]): gpu["holder"] for gpu in gpus if gpu["holder"]}
        assert holders == dict(zip(held, [ALICE, BOB], strict=True))
        assert [gpu["holder"] for gpu in gpus if gpu["mine"]] == [seat.name]
        assert other.name not in [server["server"] for server in seat.status()["servers"]]


def test_what_is_the_others_is_out_of_reach(seats: tuple[Seat, Seat], node: Path) -> None:
    alice, bob = seats
    for path in (
        "status",
        f"servers/{SERVER}",
        f"servers/{SERVER}/logs",
        f"servers/{SERVER}/v1/models",
    ):
        theirs = bob.client.get(alice.path(path))
        assert theirs.status_code == 403, path
        nobody = httpx.get(alice.hub.url + alice.path(path), trust_env=False)
        assert nobody.status_code == 403, path
    assert bob.client.delete(alice.path(f"servers/{SERVER}")).status_code == 403
    folder = node / ALICE / ".local/state/aim_jupyter/servers" / SERVER
    for name in ("key", "engine.log", "server.json"):
        assert (folder / name).exists()
        looked = subprocess.run(
            ["cat", str(folder / name)], capture_output=True, check=False, **users.identity(BOB)
        )
        assert looked.returncode != 0
    endpoint = alice.running(SERVER)["endpoint"]
    key = (node / BOB / ".local/state/aim_jupyter/servers" / SERVER / "key").read_text()
    for given in (key, bob.token, "nothing"):
        headers = {"Authorization": f"Bearer {given}"}
        answer = httpx.get(f"{endpoint}/models", headers=headers, trust_env=False)
        assert answer.status_code == 401


def test_an_openai_client_streams_through_the_hub(seats: tuple[Seat, Seat]) -> None:
    alice, _ = seats
    url = alice.hub.url + alice.path(f"servers/{SERVER}/v1")
    with openai.OpenAI(base_url=url, api_key=alice.token, max_retries=0) as client:
        began = time.monotonic()
        stream = client.chat.completions.create(
            model="default", messages=[{"role": "user", "content": WORDS}], stream=True
        )
        chunks = [(time.monotonic() - began, chunk) for chunk in stream]
    said = [chunk.choices[0].delta.content for _, chunk in chunks if chunk.choices]
    assert "".join(filter(None, said)) == f"You said: {WORDS}"
    # Eight words, 0.15 s apart: a proxy that collects would hand them out at once.
    assert chunks[-1][0] - chunks[0][0] > 0.8


def test_a_share_is_used_through_the_hub_and_taken_back(seats: tuple[Seat, Seat]) -> None:
    alice, bob = seats
    shared = f"{SERVER}@{ALICE}"
    url = bob.hub.url + bob.path(f"servers/{shared}/v1")
    alice.ask("PUT", f"servers/{SERVER}/shares/{BOB}")
    found = {server["server"]: server for server in bob.status()["servers"]}[shared]
    assert (found["shared_by"], found["can_stop"], found["state"]) == (ALICE, False, "running")
    with openai.OpenAI(base_url=url, api_key=bob.token, max_retries=0) as client:
        reply = client.chat.completions.create(
            model="default", messages=[{"role": "user", "content": WORDS}]
        )
        assert reply.choices[0].message.content == f"You said: {WORDS}"
    bob.ask("DELETE", f"servers/{shared}", 403)
    bob.ask("GET", f"servers/{shared}/logs", 403)
    listed = alice.ask("GET", f"servers/{SERVER}/shares")["shares"]
    assert listed == [{"user": BOB, "attached": True}]
    # Taken back in the middle of a reply: it ends, long before it would.
    long = "word " * 2000
    with openai.OpenAI(base_url=url, api_key=bob.token, max_retries=0) as client:
        stream = client.chat.completions.create(
            model="default", messages=[{"role": "user", "content": long}], stream=True
        )
        words = [next(stream).choices[0].delta.content]
        alice.ask("DELETE", f"servers/{SERVER}/shares/{BOB}")
        with contextlib.suppress(openai.APIError, httpx.TransportError):
            words += [chunk.choices[0].delta.content for chunk in stream if chunk.choices]
    assert 0 < len(words) < 1000
    with (
        openai.OpenAI(base_url=url, api_key=bob.token, max_retries=0) as client,
        pytest.raises(openai.NotFoundError),
    ):
        client.models.list()


def test_a_named_server_has_gpus_of_its_own_and_a_prefix(seats: tuple[Seat, Seat]) -> None:
    alice, bob = seats
    alice.hub.start(ALICE, "own", own=1)
    gpus = alice.status("own")["gpus"]
    assert [gpu["gpu"] for gpu in gpus if gpu["state"] != "hidden"] == [0]
    assert next(gpu for gpu in gpus if gpu["gpu"] == 0)["pci"] == address(OWN[0])
    alice.ask("POST", "servers", 201, "own", json={"model": MODEL, "name": "mine", "new": True})
    assert alice.running("mine", "own")["gpus"] == "0"
    held = {gpu["pci"]: gpu["server"] for gpu in alice.status("own")["gpus"] if gpu["mine"]}
    assert held[address(OWN[0])] == "mine"
    assert bob.hub.refuses(BOB, "greedy", own=4) == 409
    alice.ask("DELETE", "servers/mine?now=1", 202, "own")
    alice.hub.stop(ALICE, "own")


def test_a_stopped_server_leaves_what_the_policy_says(seats: tuple[Seat, Seat]) -> None:
    """Alice's engines live on until their idle limit; Bob's end with his single-user server."""
    alice, bob = seats
    endpoints = [seat.running(SERVER)["endpoint"].removesuffix("/v1") for seat in seats]
    for seat in seats:
        seat.hub.stop(seat.name)
    end = time.monotonic() + 60
    while _healthy(endpoints[1]):
        assert time.monotonic() < end
        time.sleep(0.3)
    assert _healthy(endpoints[0])
    for seat in seats:
        seat.hub.start(seat.name)
    assert alice.running(SERVER)["can_stop"]
    states = {server["server"]: server["state"] for server in bob.status()["servers"]}
    assert states[SERVER] == "stopped"
    alice.ask("DELETE", f"servers/{SERVER}?now=1", 202)


def _healthy(url: str) -> bool:
    try:
        return httpx.get(f"{url}/health", trust_env=False).status_code == 200
    except httpx.TransportError:
        return False
