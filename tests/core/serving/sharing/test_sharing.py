"""A server shared between two real users of a node: what each sees, may, and may no more."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from aim_jupyter.core import api, serving
from aim_jupyter.core.errors import BadUsage, ServerGone, UnknownName
from aim_jupyter.core.serving import ServerFolder
from aim_jupyter.core.serving.sharing import shares, sockets
from aim_jupyter.core.serving.state.process import alive
from tests import users
from tests.conftest import FakeEngine
from tests.users import GUEST, OTHER, User
from tests.waiting import launch_ready, until


@pytest.fixture
def node(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return a folder that all users of the node can enter, with that of the leases."""
    users.needs_several()
    folder = Path(tempfile.mkdtemp(prefix="aim-node-"))
    folder.chmod(0o755)
    monkeypatch.setenv("AIM_LEASE_DIR", str(folder / "leases"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def guest(node: Path) -> User:
    """Return a user of the node."""
    return User(GUEST, node)


@pytest.fixture
def other(node: Path) -> User:
    """Return another one."""
    return User(OTHER, node)


@pytest.fixture
def demo(node: Path, fake: FakeEngine) -> ServerFolder:
    """Return a server of this user that runs."""
    fake(token_s=0.1)
    return launch_ready()


def models(folder: ServerFolder, key: str) -> int:
    """Return the status that the engine answers a key with."""
    headers = {"Authorization": f"Bearer {key}"}
    url = f"{folder.read().url}/models"
    return httpx.get(url, headers=headers, trust_env=False, timeout=60).status_code


def test_a_guest_attaches_with_a_key_of_their_own(
    demo: ServerFolder, guest: User, other: User
) -> None:
    assert guest.seen() == []
    assert api.share("demo", GUEST) == [shares.Share(user=GUEST, attached=False)]
    assert guest.seen() == ["demo@root"]
    assert other.seen() == []
    key = guest.key("demo@root")
    assert key != demo.key()
    assert key == guest.key("demo@root")
    assert models(demo, key) == 200
    assert models(demo, "wrong") == 401
    assert api.shares_of("demo") == {"demo": [shares.Share(user=GUEST, attached=True)]}


def test_what_is_the_owners_stays_with_the_owner(demo: ServerFolder, guest: User) -> None:
    api.share("demo", GUEST)
    record = guest.told("msgspec.to_builtins(api.status('demo@root').record)", "import msgspec")
    plan = record["plan"]
    assert (plan["argv"], plan["env"], plan["model_path"]) == ([], {}, "")
    assert record["state"] == "running"
    assert demo.key() not in json.dumps(record)
    for verb in ("stop('demo@root')", "logs('demo@root')", "share('demo@root', 'news')"):
        done = guest.run(f"api.{verb}")
        assert done.stderr.splitlines()[-1].startswith("aim_jupyter.core.errors.NotOwner"), verb
    assert guest.run(f"open({str(demo.path / 'key')!r})").returncode != 0
    assert serving.current(demo).state == "running"


def test_a_share_is_taken_back_at_once(demo: ServerFolder, guest: User, other: User) -> None:
    api.share("demo", GUEST)
    api.share("demo", OTHER)
    mine, others = guest.key("demo@root"), other.key("demo@root")
    assert mine != others
    assert api.revoke("demo", GUEST) == [shares.Share(user=OTHER, attached=True)]
    assert models(demo, mine) == 401
    assert models(demo, others) == 200
    assert models(demo, demo.key()) == 200
    assert guest.seen() == []
    # Shared again is not the old key again.
    api.share("demo", GUEST)
    assert guest.key("demo@root") != mine
    assert models(demo, mine) == 401


def test_all_users_of_the_node_each_have_a_key(
    demo: ServerFolder, guest: User, other: User
) -> None:
    api.share("demo", api.EVERYONE)
    keys = {user.key("demo@root") for user in (guest, other)}
    assert len(keys) == 2
    assert {models(demo, key) for key in keys} == {200}
    with pytest.raises(BadUsage, match="not with games by name"):
        api.revoke("demo", GUEST)
    assert api.revoke("demo", api.EVERYONE) == []
    assert {models(demo, key) for key in keys} == {401}
    assert guest.seen() == []


def test_a_share_ends_with_its_server(demo: ServerFolder, guest: User) -> None:
    api.share("demo", GUEST)
    with sockets.opened() as place:
        assert len(list(sockets.owned(place))) == 1
    api.stop("demo", drain_s=0)
    with sockets.opened() as place:
        assert list(sockets.owned(place)) == []
    assert guest.seen() == []
    with pytest.raises(ServerGone):
        api.share("demo", GUEST)


def test_a_share_outlives_its_supervisor(demo: ServerFolder, guest: User) -> None:
    api.share("demo", GUEST)
    key = guest.key("demo@root")
    supervisor = demo.read().supervisor
    assert supervisor is not None
    os.kill(supervisor.pid, 9)
    until(lambda: not alive(supervisor))
    # Whoever looks next brings another one, which answers at the same door.
    until(lambda: serving.current(demo).supervisor != supervisor)
    until(lambda: guest.seen() == ["demo@root"])
    assert guest.key("demo@root") == key


def test_nobody_answers_in_anothers_name(
    demo: ServerFolder, guest: User, other: User, node: Path
) -> None:
    """The guest puts up a socket that is named as root's would be, and one that says nothing."""
    api.share("demo", GUEST)
    place = node / "leases" / "share"
    (genuine,) = place.iterdir()
    offer = guest.told(
        "msgspec.to_builtins(offer)",
        "import msgspec; from aim_jupyter.core.serving.sharing import asking\n"
        f"offer = asking.ask_all(20.0, [{genuine.name!r}]).answers[0].offer",
    )
    lead = genuine.name.rpartition("-")[0]
    code = (
        "import os, socket, sys\n"
        "listeners = []\n"
        f"for name in ('{lead}-ffffffffffff', '{lead}-000000000000'):\n"
        f"    path = {str(place)!r} + '/' + name\n"
        "    listeners.append(socket.socket(socket.AF_UNIX))\n"
        "    listeners[-1].bind(path)\n"
        "    os.chmod(path, 0o666)\n"
        "    listeners[-1].listen()\n"
        "print('up', flush=True)\n"
        "while True:\n"
        "    caller, _ = listeners[0].accept()\n"
        "    caller.sendall(sys.argv[1].encode()); caller.close()\n"
    )
    impostor = subprocess.Popen(
        [*guest.argv(code), json.dumps(offer)],
        env=guest.env,
        stdout=subprocess.PIPE,
        **users.identity(GUEST),
    )
    try:
        assert impostor.stdout is not None
        assert impostor.stdout.readline() == b"up\n"
        api.share("demo", OTHER)
        # The offer of the impostor is root's word for word; who listens is not root. The one who
        # says nothing is waited for as long as any.
        other.patience_s = 2.0
        until(lambda: other.seen() == ["demo@root"])
    finally:
        impostor.kill()
        impostor.communicate()


def test_names_that_mean_nobody(demo: ServerFolder, node: Path) -> None:
    with pytest.raises(UnknownName, match="user of this node 'gamess'"):
        api.share("demo", "gamess")
    with pytest.raises(BadUsage, match="your own"):
        api.share("demo", "root")
    with pytest.raises(BadUsage, match="not shared with games"):
        api.revoke("demo", GUEST)
    with pytest.raises(UnknownName):
        api.attach("demo@games")


def test_sockets_that_never_answer_hold_nobody_up(
    demo: ServerFolder, guest: User, other: User, node: Path
) -> None:
    """Twenty of a neighbour, some full, some that go on without an end: one budget for all."""
    api.share("demo", OTHER)
    code = (
        "import os, socket, threading\n"
        "from aim_jupyter.core.serving.sharing import sockets\n"
        "def flood(listener):\n"
        "    caller, _ = listener.accept()\n"
        "    while True: caller.sendall(b'x')\n"
        "held = []\n"
        "for number in range(20):\n"
        "    name = f'{sockets.lead(os.getuid())}{number:012x}'\n"
        f"    path = os.path.join({str(node / 'leases/share')!r}, name)\n"
        "    held.append(socket.socket(socket.AF_UNIX)); held[-1].bind(path)\n"
        "    os.chmod(path, 0o666); held[-1].listen(0 if number % 2 else 50)\n"
        "    if number % 5 == 0:\n"
        "        threading.Thread(target=flood, args=[held[-1]], daemon=True).start()\n"
        "print('up', flush=True)\n"
        "while True: threading.Event().wait()\n"
    )
    neighbour = subprocess.Popen(
        guest.argv(code), env=guest.env, stdout=subprocess.PIPE, **users.identity(GUEST)
    )
    try:
        assert neighbour.stdout is not None
        assert neighbour.stdout.readline() == b"up\n"
        timed = (
            "import time\nshared.LOOK_S = 1.0\nbegan = time.monotonic()\n"
            "names = [view.record.name for view in api.servers()]\n"
            "took = time.monotonic() - began\n"
            "from aim_jupyter.core import serving\n"
        )
        names, took, silent = other.told("[names, took, serving.silent()]", timed)
        assert names == ["demo@root"]
        # Each alone was waited for 2 s: 40 s for these.
        assert took < 10
        assert silent[GUEST] > 10
    finally:
        neighbour.kill()
        neighbour.communicate()
