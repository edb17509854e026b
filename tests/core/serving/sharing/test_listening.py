"""Where a server listens: on loopback, on a socket file of the user, or on the network."""

from __future__ import annotations

import asyncio
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from aim_jupyter.commands import presenting
from aim_jupyter.core import api, events, serving
from aim_jupyter.core.errors import BadUsage, PortTaken
from aim_jupyter.core.planning import policy
from aim_jupyter.core.request import Request
from aim_jupyter.core.serving.start import sockets
from aim_jupyter.core.serving.watch import endpoint
from aim_jupyter.verbs.conversation import Conversation
from aim_jupyter.verbs.server import Server
from tests.conftest import FakeEngine
from tests.waiting import launch_ready

UNIX = Request(model="demo", listen="unix")


@pytest.fixture
def short(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Keep the state where a socket file's path is short enough; end what was launched there."""
    place = tmp_path_factory.mktemp("s")
    monkeypatch.setenv("AIM_STATE_DIR", str(place))
    yield place
    for folder in serving.folders():
        assert serving.stop(folder, drain_s=0).state == "stopped"


def test_a_socket_file_is_the_users_alone_and_all_goes_through_it(
    fake: FakeEngine, short: Path
) -> None:
    fake()
    folder = launch_ready(UNIX)
    record = folder.read()
    file = sockets.listening(record.plan, folder.path)
    assert stat.S_ISSOCK(file.stat().st_mode)
    assert file.stat().st_mode & 0o777 == 0o600
    assert folder.path.stat().st_mode & 0o777 == 0o700
    assert (record.port, record.url, record.endpoint) == (None, None, f"unix:{file}")
    assert endpoint.get(record.address, "/metrics").status == 401, "the key is wanted here too"
    assert endpoint.healthy(record.address)

    server = Server(folder)
    with server.client as client:
        assert [model.id for model in client.models.list()] == ["demo", "default"]
    *_, reply = Conversation(Server(folder)).say("hello")
    assert reply.text == "You said: hello"
    assert asyncio.run(_asked(server)) == ["demo", "default"]
    sample = serving.view(folder).sample
    assert sample is not None
    card = presenting.server_card(serving.view(folder))
    assert f"unix:{file}" in card.text
    assert serving.stop(folder).state == "stopped"


async def _asked(server: Server) -> list[str]:
    async with server.async_client as client:
        return [model.id async for model in client.models.list()]


def test_the_next_start_takes_the_place_of_a_socket_that_was_left(
    fake: FakeEngine, short: Path
) -> None:
    fake()
    serving.stop(launch_ready(UNIX))
    folder = launch_ready(UNIX)
    assert endpoint.healthy(folder.read().address)


def test_a_path_that_is_too_long_is_told_before(
    fake: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()
    monkeypatch.setenv("AIM_STATE_DIR", str(tmp_path / ("x" * 100)))
    with pytest.raises(BadUsage, match="the kernel takes 107"):
        api.launch(UNIX)


def test_loopback_is_what_is_listened_on_unless_said(fake: FakeEngine) -> None:
    fake()
    record = launch_ready().read()
    assert record.plan.listen == "loopback"
    assert listeners(record.port or 0) == {"127.0.0.1"}


def test_another_address_takes_a_word_and_says_what_it_means(fake: FakeEngine) -> None:
    fake()
    told: list[str] = []
    with events.listening(told.append):
        folder = launch_ready(Request(model="demo", listen="0.0.0.0"))
    assert any("whoever reaches that can try, the key alone" in line for line in told)
    record = folder.read()
    assert listeners(record.port or 0) == {"0.0.0.0"}
    assert record.url == f"http://127.0.0.1:{record.port}/v1"
    card = presenting.server_card(serving.view(folder))
    assert "nothing is encrypted" in card.text


def test_one_address_alone_is_reached_there(fake: FakeEngine) -> None:
    fake()
    folder = launch_ready(Request(model="demo", listen="127.0.0.2"))
    record = folder.read()
    assert listeners(record.port or 0) == {"127.0.0.2"}
    assert record.url == f"http://127.0.0.2:{record.port}/v1"
    assert Server(folder).client.models.list()


def listeners(port: int) -> set[str]:
    """Return the addresses that something listens on at `port`."""
    found = set()
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        _, local, _, state, *_ = line.split()
        host, _, number = local.partition(":")
        if state == "0A" and int(number, 16) == port:
            found.add(socket.inet_ntoa(bytes.fromhex(host)[::-1]))
    return found


@pytest.mark.parametrize("where", ["everywhere", "::", "10.0.0.300", "--host", "unix:/tmp/x", ""])
def test_no_other_word_is_a_place(fake: FakeEngine, where: str) -> None:
    fake()
    if not where:
        assert api.plan(Request(model="demo", listen=where)).listen == "loopback"
        return
    with pytest.raises(BadUsage, match="is no place to listen"):
        api.plan(Request(model="demo", listen=where))


def test_an_address_that_is_not_of_this_machine_is_told_before(fake: FakeEngine) -> None:
    fake()
    with pytest.raises(PortTaken, match=r"203\.0\.113\.7 can't be had"):
        api.launch(Request(model="demo", listen="203.0.113.7"))


@pytest.mark.parametrize("option", ["host", "uds", "api-key"])
def test_the_engines_own_options_do_not_go_past_it(fake: FakeEngine, option: str) -> None:
    fake()
    with pytest.raises(BadUsage, match=f"--{option}"):
        api.plan(Request(model="demo", options={option: "x"}))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can write what is believed")
def test_the_administrator_may_close_the_network(
    fake: FakeEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()
    (tmp_path / "etc").mkdir(mode=0o755)
    monkeypatch.setattr(policy, "FILE", tmp_path / "etc/policy.toml")
    policy.FILE.write_text('listen = ["loopback", "unix"]')
    with pytest.raises(BadUsage, match=r"does not allow servers to listen on 0\.0\.0\.0"):
        api.plan(Request(model="demo", listen="0.0.0.0"))
    assert api.plan(UNIX).listen == "unix"
