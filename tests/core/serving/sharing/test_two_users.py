"""Two Unix users on one machine: what the second can and can't do to a server of the first.

Made and removed here where the tests run as root. Both are real users, without any right of root's;
the engine is the fake one, with the real guard's keys.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from aim_jupyter.core.serving.sharing import sockets
from aim_jupyter.testing import Script, fake_engine
from tests.core.cache.sound import sound_model
from tests.core.gpus import trees
from tests.core.serving.guard.test_aim_guard import ROUTES
from tests.core.serving.sharing import neighbour
from tests.users import identity, interpreter, needs_several, packages
from tests.waiting import until

pytestmark = [
    pytest.mark.skipif(
        os.geteuid() != 0 or shutil.which("useradd") is None, reason="making users takes root"
    ),
    pytest.mark.timeout(240),
]

SECRETS = {"HF_TOKEN": "hf_of_the_first_user", "JUPYTERHUB_API_TOKEN": "hub_of_the_first_user"}


#: What the second user has tried, and what came of it; printed by the last test (``-rP``).
TABLE: list[tuple[str, str]] = []


class User(NamedTuple):
    """A user of this machine, and the interpreter and variables that it runs with."""

    name: str
    python: str
    env: dict[str, str]

    def run(self, *words: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run Python as this user, with no group but its own."""
        return subprocess.run(
            [self.python, *words],
            **identity(self.name),
            env=self.env,
            cwd="/",
            capture_output=True,
            text=True,
            timeout=120,
            check=check,
        )

    def aim(self, *words: str, check: bool = True) -> Any:
        """Run ``aim-engine … --json`` and return what it answers."""
        done = self.run("-m", "aim_jupyter", *words, "--json", check=False)
        assert not check or done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout or "null")


@pytest.fixture(scope="module")
def users() -> Iterator[tuple[User, User]]:
    """Two users, with what both may read: an engine, a model, a machine with eight GPUs."""
    # Not below pytest's own folder, which is its user's alone.
    shared = Path(tempfile.mkdtemp(prefix="aim-two-"))
    shared.chmod(0o755)
    names = [f"aim{os.getpid() % 100000}{letter}" for letter in "ab"]
    needs_several()
    python = interpreter() or ""
    trees.written(trees.mi300x(), shared / "machine")
    for device in (shared / "machine/dev").rglob("*"):
        # As for members of the group render.
        device.chmod(0o777 if device.is_dir() else 0o666)
    sound_model(shared / "model")
    (shared / "leases").mkdir()
    (shared / "leases").chmod(0o1777)
    program = fake_engine(shared, Script(children=2))
    program.write_text(program.read_text().replace(sys.executable, python))
    made = []
    try:
        for name in names:
            subprocess.run(["useradd", "--no-create-home", "--user-group", name], check=True)
            home = shared / name
            home.mkdir(mode=0o700)
            shutil.chown(home, name, name)
            env = {
                "HOME": str(home),
                "PATH": "/usr/bin:/bin",
                "PYTHONPATH": packages(),
                "PYTHONDONTWRITEBYTECODE": "1",
                "AIM_SYS_ROOT": str(shared / "machine"),
                "AIM_LEASE_DIR": str(shared / "leases"),
                "AIM_ENGINE_PYTHON": str(program),
            }
            made.append(User(name, python, env))
        first, second = made
        yield first._replace(env={**first.env, **SECRETS}), second
    finally:
        for name in names:
            # Nobody else has these numbers: all that runs as them was started here.
            subprocess.run(["pkill", "-KILL", "-u", name], check=False)
            until(lambda name=name: not _runs(name))  # type: ignore[misc]
            subprocess.run(["userdel", name], check=False, capture_output=True)
        shutil.rmtree(shared, ignore_errors=True)


def said(refused: Any) -> str:
    """Return what a refusal says, which is one line."""
    line: str = refused["error"]
    assert "\n" not in line
    assert "Traceback" not in line
    return line


def _runs(name: str) -> bool:
    return subprocess.run(["pgrep", "-u", name], check=False, capture_output=True).returncode == 0


class Running(NamedTuple):
    """A server of the first user, as root knows it."""

    name: str
    folder: Path
    key: str
    record: Mapping[str, Any]

    @property
    def pids(self) -> list[int]:
        """Supervisor, keeper, engine and the engine's children."""
        uid = self.folder.stat().st_uid
        return [
            int(entry.name)
            for entry in Path("/proc").iterdir()
            if entry.name.isdigit() and _owner(entry) == uid
        ]


def _owner(entry: Path) -> int | None:
    try:
        return entry.stat().st_uid
    except OSError:
        return None


def started(user: User, *words: str) -> Running:
    """Launch as `user` and return the server once it runs."""
    model = str(Path(user.env["AIM_SYS_ROOT"]).with_name("model"))
    name = words[words.index("--name") + 1]
    user.aim("launch", model, *words)
    folder = Path(user.env["HOME"]) / ".local/state/aim_jupyter/servers" / name
    until(lambda: _record(folder)["state"] == "running")
    return Running(name, folder, (folder / "key").read_text(), _record(folder))


def _record(folder: Path) -> Any:
    return json.loads((folder / "server.json").read_bytes())


@pytest.fixture(scope="module")
def server(users: tuple[User, User]) -> Iterator[Running]:
    running = started(users[0], "--name", "first", "--gpus", "3")
    yield running
    assert _record(running.folder)["state"] == "running", "it lived through all of this"
    users[0].aim("stop", "first", "--now")
    until(lambda: running.pids == [])


#: What the second user tries, as a program of its own; it prints what came of each try.
ATTEMPTS = """
import http.client, json, os, signal, socket, sys
told = json.load(sys.stdin) if not sys.argv[1:] else json.loads(sys.argv[1])
found = {}
def attempt(name, call):
    try:
        found[name] = repr(call())
    except (PermissionError, FileNotFoundError, ProcessLookupError) as error:
        found[name] = type(error).__name__
folder = told["folder"]
for name in ("key", "server.json", "events.jsonl", "engine.log", "guests", "supervisor.log"):
    attempt("read " + name, lambda: open(os.path.join(folder, name)).read())
attempt("list", lambda: os.listdir(folder))
attempt("write stop.json", lambda: open(os.path.join(folder, "stop.json"), "w"))
attempt("remove", lambda: os.rename(folder, folder + ".gone"))
for pid in told["pids"]:
    for name in ("environ", "mem", "maps"):
        attempt(f"{name} of {pid}", lambda: open(f"/proc/{pid}/{name}", "rb").read(64))
    attempt(f"fd of {pid}", lambda: os.listdir(f"/proc/{pid}/fd"))
    attempt(f"cwd of {pid}", lambda: os.readlink(f"/proc/{pid}/cwd"))
    attempt(f"signal to {pid}", lambda: os.kill(pid, signal.SIGTERM))
if told.get("socket"):
    attempt("socket", lambda: socket.socket(socket.AF_UNIX).connect(told["socket"]))
for name in os.listdir(told["leases"]):
    attempt("unlink " + name, lambda: os.unlink(os.path.join(told["leases"], name)))
statuses = {}
for method in ("GET", "POST", "HEAD", "OPTIONS", "PUT", "DELETE"):
    for path in told["routes"]:
        connection = http.client.HTTPConnection("127.0.0.1", told["port"], timeout=60)
        connection.request(method, path, body=b"{}", headers={"Authorization": "Bearer wrong"})
        statuses[f"{method} {path}"] = connection.getresponse().status
        connection.close()
print(json.dumps({"found": found, "statuses": statuses}))
"""


def test_the_second_user_can_neither_read_nor_call_nor_stop_it(
    users: tuple[User, User], server: Running
) -> None:
    told = {
        "folder": str(server.folder),
        "pids": server.pids,
        "port": server.record["port"],
        # The fake engine's server takes a second slash at the beginning away, the real one not.
        "routes": [route for route in ROUTES if route and not route.startswith("//")],
        "leases": users[1].env["AIM_LEASE_DIR"],
    }
    assert len(told["pids"]) >= 4
    done = users[1].run("-c", textwrap.dedent(ATTEMPTS), json.dumps(told))
    answer = json.loads(done.stdout)
    denied = answer["found"]
    for name, outcome in denied.items():
        TABLE.append((re.sub(r"\b\d{2,}\b", "N", name), outcome))
    for status in sorted({*answer["statuses"].values()}):
        count = sum(each == status for each in answer["statuses"].values())
        TABLE.append((f"{count} calls of the engine's routes with another key", str(status)))
    assert set(denied.values()) <= {"PermissionError", "ProcessLookupError"}, denied
    assert sum("PermissionError" in result for result in denied.values()) > 30
    let_in = {call for call, status in answer["statuses"].items() if status < 400}
    assert let_in == set(), "the key is wanted on every route"
    assert server.pids == told["pids"], "nobody was ended"


def test_no_secret_is_in_what_everybody_may_read(users: tuple[User, User], server: Running) -> None:
    program = "import subprocess; subprocess.run(['ps', 'axwwe'], check=True)"
    listing = users[1].run("-c", program).stdout
    for pid in server.pids:
        listing += Path(f"/proc/{pid}/cmdline").read_text() + Path(f"/proc/{pid}/comm").read_text()
    for lease in Path(users[0].env["AIM_LEASE_DIR"]).iterdir():
        listing += lease.read_text()
    assert "api_server" in listing, "the engine is there to be seen"
    for secret in (server.key, *SECRETS.values()):
        assert secret not in listing
    for file in server.folder.iterdir():
        if file.is_file() and file.name != "key":
            text = file.read_text(errors="replace")
            assert not any(secret in text for secret in (server.key, *SECRETS.values())), file.name


def test_the_second_user_sees_that_the_gpu_is_taken_and_by_whom(
    users: tuple[User, User], server: Running
) -> None:
    rows = {row["gpu"]: row for row in users[1].aim("gpus")}
    assert (rows[3]["state"], rows[3]["holder"], rows[3]["server"]) == (
        "busy",
        users[0].name,
        "first",
    )
    assert rows[4]["state"] == "free"
    model = str(Path(users[1].env["AIM_SYS_ROOT"]).with_name("model"))
    refused = users[1].aim("launch", model, "--gpus", "3", check=False)
    TABLE.append(("launch on a GPU that the first holds", said(refused)))
    assert "none is free" in refused["error"]


def test_the_second_user_can_not_stop_it_by_any_name(
    users: tuple[User, User], server: Running
) -> None:
    missing = users[1].aim("stop", "first", check=False)
    TABLE.append(("stop it by its name", said(missing)))
    assert "no server 'first'" in missing["error"]
    state = str(server.folder.parents[1])
    thief = users[1]._replace(env={**users[1].env, "AIM_STATE_DIR": state})
    closed = thief.aim("stop", "first", check=False)
    TABLE.append(("stop it by its owner's state folder", said(closed)))
    assert "Permission denied" in closed["error"]
    assert users[1].aim("ps") == []
    assert _record(server.folder)["state"] == "running"


def test_a_socket_file_is_closed_to_the_second_user(users: tuple[User, User]) -> None:
    running = started(users[0], "--name", "s", "--gpus", "5", "--listen", "unix")
    file = running.record["socket"]
    assert Path(file).stat().st_mode & 0o777 == 0o600
    program = f"import socket; socket.socket(socket.AF_UNIX).connect({file!r})"
    done = users[1].run("-c", program, check=False)
    TABLE.append(("connect to its socket file", done.stderr.splitlines()[-1]))
    assert "PermissionError" in done.stderr
    assert users[0].run("-c", program).returncode == 0
    users[0].aim("stop", "s", "--now")


def test_a_state_folder_that_the_second_user_has_laid_out_is_not_used(
    users: tuple[User, User],
) -> None:
    """In a folder like /tmp, names can be taken beforehand: as a folder, or as a link."""
    place = Path(tempfile.mkdtemp(prefix="aim-sticky-"))
    place.chmod(0o1777)
    model = str(Path(users[1].env["AIM_SYS_ROOT"]).with_name("model"))
    try:
        program = (
            "import os; os.mkdir('theirs', 0o777); os.mkdir('way', 0o777); os.chmod('way', 0o777);"
            "os.symlink('theirs', 'link')"
        )
        users[1].run("-c", f"import os; os.chdir({str(place)!r}); {program}")
        for name in ("theirs", "link", "way/state"):
            env = {**users[0].env, "AIM_STATE_DIR": str(place / name)}
            refused = users[0]._replace(env=env).aim("launch", model, check=False)
            TABLE.append((f"lay out the state folder {name!r} beforehand", said(refused)))
            assert "another user" in refused["error"] or "is a link" in refused["error"], refused
            assert not (place / "theirs/servers").exists()
    finally:
        shutil.rmtree(place)


def test_a_lease_folder_of_the_first_is_refused_with_an_administrators_line(
    users: tuple[User, User],
) -> None:
    place = Path(users[0].env["AIM_SYS_ROOT"]).with_name("taken")
    place.parent.chmod(0o1777)
    first, second = (user._replace(env={**user.env, "AIM_LEASE_DIR": str(place)}) for user in users)
    try:
        for name, make in (
            ("a folder", f"os.mkdir({str(place)!r}); os.chmod({str(place)!r}, 0o1777)"),
            ("a link", f"os.symlink('/tmp', {str(place)!r})"),
        ):
            first.run("-c", f"import os; {make}")
            model = str(place.with_name("model"))
            # Seen by who launches, or by the supervisor that takes the lease.
            words = ("launch", model, "--gpus", "6", "--name", "late")
            text = (second.aim(*words, check=False) or {}).get("error") or _why(second, "late")
            second.aim("forget", "late", check=False)
            TABLE.append((f"launch where the first has made {name} of the leases", text))
            assert first.name in text or "is a link" in text
            found = [row for row in second.aim("doctor", check=False) if "leases" in str(row)]
            TABLE.append(
                (f"doctor, with {name} of the first", f"{found[0]['found']} {found[0]['fix']}")
            )
            assert not found[0]["good"]
            assert "sudo install -d -o root -g root -m 1777" in found[0]["fix"]
            place.unlink() if place.is_symlink() else shutil.rmtree(place)
    finally:
        place.parent.chmod(0o755)


@pytest.mark.parametrize("made", ["folder", "pipe or device", "link", "closed file"])
def test_whoever_blocks_a_lock_is_named(users: tuple[User, User], made: str) -> None:
    leases = Path(users[0].env["AIM_LEASE_DIR"])
    known = {path.name for path in leases.iterdir()}
    model = str(leases.with_name("model"))
    # The name of the lock is that of any other with the address of this GPU.
    held = started(users[0], "--name", "shows", "--gpus", "7")
    (lock,) = {
        path for path in leases.iterdir() if path.name not in known and path.suffix == ".lock"
    }
    users[0].aim("stop", "shows", "--now")
    until(lambda: _record(held.folder)["state"] != "running")
    lock.unlink()
    code = {
        "folder": "os.mkdir(p)",
        "pipe or device": "os.mkfifo(p)",
        "link": "os.symlink('/tmp', p)",
        "closed file": "open(p, 'w').close(); os.chmod(p, 0)",
    }[made]
    users[0].run("-c", f"import os; p={str(lock)!r}; {code}")
    try:
        refused = users[1].aim("launch", model, "--gpus", "7", "--name", "late", check=False)
        text = (refused or {}).get("error") or _why(users[1], "late")
        TABLE.append((f"launch where the first has put a {made} in a lock's place", text))
        assert f"{users[0].name} has put a {made}" in text
    finally:
        lock.rmdir() if made == "folder" else lock.unlink()


def test_shares_of_the_second_that_never_answer_hold_nobody_up(
    users: tuple[User, User], server: Running
) -> None:
    """How long all of them may take together is `test_asking`'s; here, that the rest is told."""
    users[0].aim("share", "first", "--all")
    (own,) = Path(users[0].env["AIM_LEASE_DIR"], sockets.FOLDER).iterdir()
    lead = f"{own.name.partition('~')[0]}~"
    words = [users[1].python, neighbour.__file__, str(own.parent), lead, "20"]
    child = subprocess.Popen(
        words, env=users[1].env, cwd="/", stdout=subprocess.PIPE, **identity(users[1].name)
    )
    try:
        assert child.stdout is not None
        assert int(child.stdout.readline()) >= 20
        assert "first" in {row["server"] for row in users[0].aim("ps")}
        (named,) = [
            row for row in users[0].aim("doctor", check=False) if users[1].name in row["found"]
        ]
        TABLE.append(("open 20 shares that never answer: what doctor says", named["found"]))
    finally:
        child.kill()
        child.communicate()
        users[0].aim("share", "first", "--all", "--revoke")


def test_the_administrators_engine_is_everybodys_to_use_and_nobodys_to_change(
    users: tuple[User, User],
) -> None:
    program = Path(users[1].env["AIM_ENGINE_PYTHON"])
    assert program.stat().st_uid == 0
    done = users[1].run("-c", f"open({str(program)!r}, 'a')", check=False)
    TABLE.append(("write to the administrator's engine", done.stderr.splitlines()[-1]))
    assert "PermissionError" in done.stderr
    plan = users[1].aim("plan", str(program.with_name("model")), "--gpus", "4")
    TABLE.append(("plan with the administrator's engine", f"{plan['verdict']}"))
    assert plan["verdict"] == "FITS"


def _why(user: User, name: str) -> str:
    """Return why a server did not start."""
    until(lambda: user.aim("status", name)["record"]["state"] not in ("starting", "running"))
    return str(user.aim("status", name)["record"]["reason"])


def test_an_engine_that_can_not_be_read_is_one_line(users: tuple[User, User]) -> None:
    shared = Path(users[0].env["AIM_SYS_ROOT"]).parent
    closed = shared / "closed"
    closed.mkdir(mode=0o700)
    shutil.copy(users[0].env["AIM_ENGINE_PYTHON"], closed / "python")
    file = shared / "unreadable-python"
    shutil.copy(users[0].env["AIM_ENGINE_PYTHON"], file)
    file.chmod(0o600)
    model = str(shared / "model")
    for name, env in {
        "an interpreter in a folder that is closed": {"AIM_ENGINE_PYTHON": str(closed / "python")},
        "an interpreter that can't be read": {"AIM_ENGINE_PYTHON": str(file)},
        "a data folder that is closed": {"AIM_DATA_DIR": str(closed), "AIM_ENGINE_PYTHON": ""},
        "a cache that is closed": {"AIM_CACHE_DIR": str(closed / "cache")},
        "recipes that are closed": {"AIM_RECIPES_PATH": str(closed)},
        "a machine that is closed": {"AIM_SYS_ROOT": str(closed)},
    }.items():
        user = users[1]._replace(env={**users[1].env, **env})
        for verb in (["plan", model], ["engines"], ["doctor"], ["cache"], ["ps"], ["gpus"]):
            done = user.run("-m", "aim_jupyter", *verb, check=False)
            assert "Traceback" not in done.stderr + done.stdout, (name, verb, done.stderr)
        done = user.run("-m", "aim_jupyter", "plan", model, check=False)
        lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
        TABLE.append((f"plan, with {name}", lines[0]))


def test_the_table_of_attempts_and_outcomes() -> None:
    """Printed, for whoever reads the run: each is asserted where it was made."""
    rows = dict.fromkeys(TABLE)
    width = max((len(name) for name, _ in rows), default=0)
    sys.stdout.write("".join(f"{name:{width}}  {outcome}\n" for name, outcome in rows))
    assert len(rows) > 10
