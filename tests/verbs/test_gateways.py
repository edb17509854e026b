"""The gateway of a process: one for all who ask in it, gone when it is stopped."""

from __future__ import annotations

import asyncio

import httpx
import pytest

import aim_jupyter as aim
from aim_jupyter.core.errors import BadUsage, CannotDo
from tests.conftest import FakeEngine
from tests.waiting import launch_ready

SAY = {"model": "demo", "messages": [{"role": "user", "content": "hello"}]}


def test_a_process_has_one_gateway_with_clients_that_hide_the_key(fake: FakeEngine) -> None:
    fake()
    launch_ready()
    there = aim.gateway()
    try:
        assert aim.gateway(port=1) is there
        assert there.names == ["demo"]
        said = there.client.chat.completions.create(**SAY)  # type: ignore[call-overload]
        assert said.choices[0].message.content == "You said: hello"
        later = asyncio.run(there.async_client.chat.completions.create(**SAY))  # type: ignore[call-overload]
        assert later.choices[0].message.content == "You said: hello"
        with pytest.raises(CannotDo, match="not embed") as caught:
            there.client.embeddings.create(model="demo", input="a")
        assert len(caught.value.lines) == 2
        with pytest.raises(BadUsage, match="Nearest: demo"):
            asyncio.run(there.async_client.chat.completions.create(**{**SAY, "model": "demmo"}))  # type: ignore[call-overload]
        for shown in (repr(there), repr(there.client), repr(there.async_client)):
            assert there.base_url.rstrip("/") in shown
            assert there.api_key not in shown
    finally:
        there.stop()
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{there.base_url}/models")
