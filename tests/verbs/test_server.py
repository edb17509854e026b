"""The handle of one server."""

from __future__ import annotations

import pickle

import openai
import pytest

import aim_jupyter as aim
from aim_jupyter.core.errors import UnknownName
from aim_jupyter.verbs.server import Server
from tests.conftest import FakeEngine
from tests.waiting import launch_ready, say


def test_its_client_is_kept_and_nothing_shows_the_key(fake: FakeEngine) -> None:
    fake()
    server = Server(launch_ready())
    client = server.client
    assert isinstance(client, openai.OpenAI)
    assert server.client is client
    assert str(client.base_url).rstrip("/") == server.base_url
    shown = [repr(server), repr(client), repr(server.async_client), str(server._repr_mimebundle_())]
    assert not any(server.api_key in each for each in shown)
    assert repr(server) == f"Server('demo', running, model='demo', url='{server.base_url}')"
    assert (server.name, server.model, server.socket) == ("demo", "demo", "")
    client.close()


def test_a_server_on_a_socket_file_is_reached_by_its_client(fake: FakeEngine) -> None:
    fake()
    server = aim.launch("demo", listen="unix").wait()
    assert server.socket.endswith(".sock") or server.socket
    with server.client as client:
        assert [each.id for each in client.models.list()][:1] == ["demo"]


def test_its_figures_events_and_lines_are_there_and_stop_ends_it(fake: FakeEngine) -> None:
    fake()
    server = Server(launch_ready())
    say(launch_ready(), "hello")
    assert len(server.logs(2)) == 2
    assert "stage" in set(server.events()["kind"])
    assert list(server.metrics().columns) == list(server.metrics(history_s=60).columns)
    assert server.stop(0).state == "stopped"
    assert server.view.record.state == "stopped"


def test_below_its_own_live_card_it_shows_no_second_one(
    fake: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake()
    server = Server(launch_ready())
    monkeypatch.setattr("aim_jupyter.verbs.server._cell_number", lambda: 7)
    server.shown_in = 7
    assert set(server._repr_mimebundle_()) == {"text/plain"}
    server.shown_in = 6
    assert "text/html" in server._repr_mimebundle_()


def test_it_pickles_by_name(fake: FakeEngine) -> None:
    fake()
    server = Server(launch_ready())
    data = pickle.dumps(server)
    assert server.api_key.encode() not in data
    assert pickle.loads(data).base_url == server.base_url


def test_a_pickle_of_what_was_forgotten_says_so(
    fake: FakeEngine, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    fake()
    data = pickle.dumps(Server(launch_ready()))
    monkeypatch.setenv("AIM_STATE_DIR", f"{tmp_path}/another")
    with pytest.raises(UnknownName, match="no server 'demo'"):
        pickle.loads(data)
