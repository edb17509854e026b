"""Servers' folders, their names, and what they say when nobody is left to write."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from aim_jupyter.core import config, serving
from aim_jupyter.core.errors import BadUsage, ServerGone, StateUnusable, UnknownName
from aim_jupyter.core.records import ProcessId, ServerRecord
from aim_jupyter.core.serving import ServerFolder
from aim_jupyter.core.serving.state import folder
from aim_jupyter.core.serving.state.folder import LONGEST, check_name, name_for
from aim_jupyter.core.serving.state.process import boot_id
from tests.core.serving.state.test_starts import PLAN


def made(name: str = "demo", record: ServerRecord | None = None) -> ServerFolder:
    with folder.alone():
        new = folder.show(folder.make(name))
    new.write(record or ServerRecord(name=name, plan=replace(PLAN, server=name)))
    return new


@given(model=st.text(max_size=90))
def test_any_model_suggests_a_name_that_can_be_had(model: str) -> None:
    assert check_name(name_for(model)) == name_for(model)


@pytest.mark.parametrize(
    "name", ["", "-x", ".x", "A", "a/b", "..", "a b", "ä", "a\n", "x" * (LONGEST + 1)]
)
def test_what_could_be_an_option_or_a_path_is_no_name(name: str) -> None:
    with pytest.raises(BadUsage, match="can't name a server"):
        check_name(name)


def test_an_unknown_server_gives_the_nearest() -> None:
    made("demo")
    with pytest.raises(UnknownName) as caught:
        serving.find("dmeo")
    assert caught.value.nearest == ["demo"]
    assert serving.find("demo").name == "demo"


def test_other_things_in_the_folder_are_no_servers() -> None:
    made("demo")
    (config.servers_dir() / "a-file").write_text("x")
    (config.servers_dir() / ".hidden").mkdir()
    assert [each.name for each in serving.folders()] == ["demo"]


def test_a_new_server_takes_the_place_of_an_ended_one() -> None:
    old = made()
    old.events.add("exit", "over")
    old.make_key()
    new = made()
    assert new.events.read() == []
    with pytest.raises(ServerGone, match="key of server 'demo' is gone"):
        new.key()


def test_a_place_that_cannot_be_cleared_is_told() -> None:
    old = made()
    (old.path / "engine.log").mkdir()
    old.path.rename(config.servers_dir() / "elsewhere")
    (config.servers_dir() / "demo").write_text("a file")
    with folder.alone(), pytest.raises(StateUnusable, match="Not a directory"):
        folder.show(folder.make("demo"))


def test_keys_are_long_and_never_the_same() -> None:
    server = made()
    keys = {server.make_key() for _ in range(20)}
    assert len(keys) == 20
    assert min(map(len, keys)) >= 43
    assert server.key() in keys
    (server.path / "key").write_bytes(b"\xff\xfe")
    with pytest.raises(ServerGone):
        server.key()


@pytest.mark.parametrize("content", [b"", b"{", b'{"drain_s": "x", "by": ""}', b'{"by": "\xff"}'])
def test_half_a_request_to_stop_is_none(content: bytes) -> None:
    server = made()
    assert server.stop_request() is None
    (server.path / "stop.json").write_bytes(content)
    assert server.stop_request() is None


def gone() -> ProcessId:
    """Return a process that has ended."""
    return ProcessId(pid=1, start=1, boot=boot_id())


class LastMoment(ServerFolder):
    """A folder in which the supervisor writes its last word between two looks."""

    def __init__(self, path: Path, before: ServerRecord) -> None:
        super().__init__(path)
        self.before: ServerRecord | None = before

    def read(self) -> ServerRecord:
        before, self.before = self.before, None
        return before or super().read()


def test_a_server_that_stops_while_one_looks_has_stopped_and_not_failed() -> None:
    running = ServerRecord(name="demo", plan=PLAN, state="running", supervisor=gone())
    stopped = replace(running, state="stopped", reason="stopped by me")
    path = made("demo", stopped).path
    assert serving.current(LastMoment(path, running)) == stopped
    assert serving.current(LastMoment(path, replace(running, state="stopping"))) == stopped


def test_a_server_without_any_process_has_failed() -> None:
    record = ServerRecord(name="demo", plan=PLAN, state="running", supervisor=gone())
    server = made("demo", record)
    assert serving.current(server).state == "failed"
    ended = serving.stop(server)
    assert ended.state == "failed"
    assert server.read().ended_at is not None
