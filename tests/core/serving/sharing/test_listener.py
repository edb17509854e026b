"""Where a supervisor answers the users with whom its server is shared."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace

from aim_jupyter.core.serving.sharing import sockets
from aim_jupyter.core.serving.sharing.listener import Listener, Offer
from aim_jupyter.core.serving.state.folder import ServerFolder
from tests.core.serving.sharing.made import RECORD


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ServerFolder:
    monkeypatch.setenv("AIM_LEASE_DIR", str(tmp_path / "leases"))
    path = tmp_path / "demo"
    path.mkdir()
    return ServerFolder(path)


@pytest.fixture
def listener(folder: ServerFolder) -> Iterator[Listener]:
    with Listener(folder) as made:
        yield made


def knock(folder: ServerFolder) -> socket.socket:
    caller = socket.socket(socket.AF_UNIX)
    with sockets.opened() as place:
        caller.connect(sockets.address(place, sockets.name_for(folder.path)))
    return caller


def test_a_door_is_open_as_long_as_somebody_may_come(
    listener: Listener, folder: ServerFolder
) -> None:
    assert listener.doors() == []
    shares = folder.path / "shares.json"
    shares.write_text('{"everyone": true}')
    (door,) = listener.doors()
    assert listener.doors() == [door]
    shares.unlink()
    assert listener.doors() == []
    with sockets.opened() as place:
        assert not sockets.is_socket(place, sockets.name_for(folder.path))


def test_one_who_may_is_given_the_record_without_what_is_the_owners(
    listener: Listener, folder: ServerFolder
) -> None:
    (folder.path / "shares.json").write_text('{"everyone": true}')
    listener.doors()
    with knock(folder) as caller:
        listener.answer(replace(RECORD, log_last="secret words"))
        offer = msgspec.json.decode(caller.recv(1 << 20), type=Offer)
    assert offer.key
    assert (offer.record.name, offer.record.port) == (RECORD.name, RECORD.port)
    plan = offer.record.plan
    assert (plan.argv, plan.env, plan.model_path) == ((), {}, "")
    assert (offer.record.log_last, offer.record.supervisor) == ("", None)


def test_one_who_may_not_gets_nothing(listener: Listener, folder: ServerFolder) -> None:
    (folder.path / "shares.json").write_text(f'{{"users": {{"{os.getuid() + 1}": "ada"}}}}')
    listener.doors()
    with knock(folder) as caller:
        listener.answer(RECORD)
        assert caller.recv(10) == b""


def test_nobody_who_came_is_waited_for(listener: Listener, folder: ServerFolder) -> None:
    listener.answer(RECORD)
    (folder.path / "shares.json").write_text('{"everyone": true}')
    listener.doors()
    listener.answer(RECORD)


def test_a_folder_that_can_not_be_used_is_an_event(
    listener: Listener, folder: ServerFolder, tmp_path: Path
) -> None:
    (tmp_path / "leases").write_text("a file")
    (folder.path / "shares.json").write_text('{"everyone": true}')
    assert listener.doors() == []
    assert "can't be shared" in (folder.path / "events.jsonl").read_text()
