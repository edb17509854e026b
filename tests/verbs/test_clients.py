"""Clients of openai's for a server: in several event loops, and when the server has ended."""

from __future__ import annotations

import asyncio

import openai
import pytest

from aim_jupyter.core.errors import CannotDo, ServerGone
from aim_jupyter.verbs.server import Server
from tests.conftest import FakeEngine
from tests.waiting import launch_ready

SAY = {"model": "default", "messages": [{"role": "user", "content": "hello"}]}


def test_an_async_client_outlives_its_loop(fake: FakeEngine) -> None:
    fake()
    client = Server(launch_ready()).async_client

    async def ask() -> str | None:
        answers = await asyncio.gather(*(client.chat.completions.create(**SAY) for _ in range(3)))  # type: ignore[call-overload]
        return answers[-1].choices[0].message.content  # type: ignore[no-any-return]

    assert asyncio.run(ask()) == asyncio.run(ask()) == "You said: hello"


def test_a_client_that_outlives_its_server_says_so_in_two_lines(fake: FakeEngine) -> None:
    fake()
    server = Server(launch_ready())
    client, later = server.client, server.async_client
    server.stop(drain_s=0)
    with pytest.raises(ServerGone) as caught:
        client.with_options(max_retries=0).chat.completions.create(**SAY)  # type: ignore[call-overload]
    assert caught.value.lines == [
        f"ServerGone: Server 'demo' is stopped: {server.view.record.reason}.",
        "Try: %aim launch demo",
    ]
    with pytest.raises(ServerGone):
        asyncio.run(later.with_options(max_retries=0).chat.completions.create(**SAY))  # type: ignore[call-overload]


def test_where_the_server_runs_it_is_openais_own_failure(fake: FakeEngine) -> None:
    fake()
    client = Server(launch_ready()).client.with_options(api_key="another", max_retries=0)
    with pytest.raises(openai.AuthenticationError):
        client.models.list()


def test_what_the_model_does_not_do_is_said_before_the_engine_is_asked(fake: FakeEngine) -> None:
    fake()
    server = Server(launch_ready())
    assert server.does == ("chat", "completion", "json")
    with pytest.raises(CannotDo, match="does chat, completion, json, not embed"):
        server.client.embeddings.create(model="default", input="a")
    with pytest.raises(CannotDo, match="not speech"):
        asyncio.run(server.async_client.audio.transcriptions.create(model="default", file=b"a"))
