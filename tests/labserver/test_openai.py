"""The OpenAI route: real clients through a real Jupyter Server to the fake engine."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest
from openai.types.chat import ChatCompletionMessageParam

from tests.labserver.conftest import go_on
from tests.labserver.jupyter import TOKEN, Jupyter
from tests.waiting import until

WORDS = "one two three four five six"
HELLO: list[ChatCompletionMessageParam] = [
    {"role": "user", "content": "one two three four five six"}
]


@pytest.fixture(scope="module")
def route(jupyter: Jupyter) -> Iterator[str]:
    """Return the OpenAI base URL of a server that runs."""
    jupyter.post("servers", {"model": "demo"}, 201)
    jupyter.until("demo", "running")
    yield f"{jupyter.url}aim/servers/demo/v1"
    jupyter.ask("DELETE", "servers/demo?now=1", 202)
    jupyter.until("demo", "stopped")


@pytest.fixture
def client(route: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=route, api_key=TOKEN, max_retries=0) as made:
        yield made


def test_an_openai_client_works_with_jupyters_token(client: openai.OpenAI) -> None:
    assert [model.id for model in client.models.list()] == ["demo", "default"]
    reply = client.chat.completions.create(model="demo", messages=HELLO)
    assert reply.choices[0].message.content == "You said: one two three four five six"


def test_words_come_as_they_are_said(client: openai.OpenAI, site: Path) -> None:
    go_on(site).unlink()
    with client.chat.completions.create(model="demo", messages=HELLO, stream=True) as stream:
        # It is here although the engine may not say the next one: nothing is collected on the way.
        assert next(stream).choices[0].delta.content == "You"
        go_on(site)
        said = [chunk.choices[0].delta.content for chunk in stream if chunk.choices]
    assert "".join(filter(None, said)) == f" said: {WORDS}"


def test_the_headers_are_those_of_a_stream(route: str) -> None:
    body = {"model": "demo", "messages": HELLO, "stream": True}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    with httpx.stream(
        "POST", f"{route}/chat/completions", json=body, headers=headers, timeout=60
    ) as reply:
        assert reply.headers["content-type"].startswith("text/event-stream")
        assert reply.headers["x-accel-buffering"] == "no"
        assert "keep-alive" not in reply.headers
        text = reply.read().decode()
    assert text.endswith("data: [DONE]\n\n")


def test_the_engine_stops_when_the_client_leaves(jupyter: Jupyter, route: str) -> None:
    body = {"model": "demo", "messages": [{"role": "user", "content": "word " * 2000}]}
    headers = {"Authorization": f"Bearer {TOKEN}"}
    url = f"{route}/chat/completions"
    with httpx.stream(
        "POST", url, json={**body, "stream": True}, headers=headers, timeout=60
    ) as reply:
        words = reply.iter_raw()  # kept: with it the connection would go
        next(words)
        until(lambda: jupyter.get("servers/demo")["running_requests"] == 1)
    # 2000 words would take five minutes.
    until(lambda: jupyter.get("servers/demo")["running_requests"] == 0)


def test_large_bodies_pass(client: openai.OpenAI) -> None:
    text = "x" * (20 << 20)
    message: list[ChatCompletionMessageParam] = [{"role": "user", "content": text}]
    reply = client.chat.completions.create(model="demo", messages=message)
    assert reply.choices[0].message.content == f"You said: {text}"


def test_queries_pass_without_what_is_jupyters(route: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    query = f"a=1&a=2%20b&%74oken={TOKEN}&no_track_activity=1"
    seen = httpx.get(f"{route}/seen?{query}", headers=headers, timeout=60)
    assert seen.json()["path"] == "/v1/seen?a=1&a=2%20b"


def test_what_authenticates_to_jupyter_never_reaches_the_engine(route: str) -> None:
    headers = {
        "Authorization": f"token {TOKEN}",
        "Cookie": "jupyterhub-session-id=secret",
        "X-XSRFToken": "secret",
        "X-Request-Id": "kept",
        "X-Aim-Behind": "1",
    }
    seen = httpx.get(f"{route}/seen", headers=headers, timeout=60).json()["headers"]
    told = {name.lower(): value for name, value in seen.items()}
    assert TOKEN not in json.dumps(seen)
    assert "secret" not in json.dumps(seen)
    assert told["x-request-id"] == "kept"
    assert told["x-aim-behind"] == "1", "a map through this route still waits for people"
    assert told["authorization"].startswith("Bearer ")


def test_failures_are_those_of_openai(jupyter: Jupyter, route: str) -> None:
    def made(key: str, server: str) -> openai.OpenAI:
        url = route.replace("/demo/", f"/{server}/")
        return openai.OpenAI(base_url=url, api_key=key, max_retries=0)

    with made(TOKEN, "nothing") as client, pytest.raises(openai.NotFoundError) as missing:
        client.models.list()
    assert missing.value.type == "UnknownName"
    assert "There is no server 'nothing'" in str(missing.value)
    with made("wrong", "demo") as client, pytest.raises(openai.PermissionDeniedError):
        client.models.list()
    with made(TOKEN, "demo") as client, pytest.raises(openai.NotFoundError):
        client.post("/nothing", cast_to=object)


def test_a_way_out_of_v1_leads_nowhere(route: str) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    for path in ("/%2e%2e/metrics", "/x/%2e%2e/%2e%2e/metrics"):
        assert httpx.get(route + path, headers=headers, timeout=60).status_code == 404


def test_a_browser_needs_its_xsrf_token(jupyter: Jupyter, route: str) -> None:
    """Logged in by cookie, as a page is: a foreign page can send the cookie, never the token."""
    body = {"model": "demo", "messages": HELLO}
    with httpx.Client(base_url=jupyter.url, follow_redirects=True, timeout=60) as browser:
        browser.get(f"tree?token={TOKEN}")
        for path, sent in (("aim/servers/demo/v1/chat/completions", body), ("aim/servers", body)):
            assert browser.post(path, json=sent).status_code == 403
        xsrf = browser.cookies["_xsrf"]
        path = "aim/servers/demo/v1/chat/completions"
        assert browser.post(path, json=body, headers={"X-XSRFToken": xsrf}).status_code == 200


def test_its_use_is_activity(jupyter: Jupyter, client: openai.OpenAI) -> None:
    before = jupyter.client.get("api/status").json()["last_activity"]
    client.models.list()
    assert jupyter.client.get("api/status").json()["last_activity"] > before


def test_a_server_on_a_socket_file_is_reached_too(jupyter: Jupyter) -> None:
    jupyter.post("servers", {"model": "demo", "name": "quiet", "listen": "unix"}, 201)
    assert jupyter.until("quiet", "running")["endpoint"].startswith("unix:")
    url = f"{jupyter.url}aim/servers/quiet/v1"
    with openai.OpenAI(base_url=url, api_key=TOKEN, max_retries=0) as client:
        reply = client.chat.completions.create(model="demo", messages=HELLO)
    assert reply.choices[0].message.content == f"You said: {WORDS}"
    jupyter.ask("DELETE", "servers/quiet?now=1", 202)
    jupyter.until("quiet", "stopped")


def test_a_server_that_is_gone_is_told_as_such(jupyter: Jupyter) -> None:
    jupyter.post("servers", {"model": "demo", "name": "short", "new": True}, 201)
    jupyter.until("short", "running")
    jupyter.ask("DELETE", "servers/short?now=1", 202)
    jupyter.until("short", "stopped")
    answer = jupyter.client.get("aim/servers/short/v1/models")
    assert answer.status_code == 410
    assert answer.json()["error"]["type"] == "ServerGone"


def test_five_hundred_at_once_wait_for_an_engine_that_is_busy(
    jupyter: Jupyter, route: str, site: Path
) -> None:
    """They were refused after five seconds once, when the engine took no more connections."""
    many, engine = 500, engine_of(site, "demo")
    go_on(site)

    async def ask(client: httpx.AsyncClient, number: int) -> int:
        body = {"model": "demo", "messages": [{"role": "user", "content": str(number)}]}
        reply = await client.post(f"{route}/chat/completions", json=body)
        return reply.status_code if f"You said: {number}" in reply.text else 0

    async def all_of_them() -> list[int]:
        headers = {"Authorization": f"Bearer {TOKEN}"}
        limits = httpx.Limits(max_connections=None)
        async with httpx.AsyncClient(headers=headers, timeout=None, limits=limits) as client:
            asked = [asyncio.ensure_future(ask(client, number)) for number in range(many)]
            # Longer than anybody may be willing to wait: who gave up would have answered.
            _, waiting = await asyncio.wait(asked, timeout=7)
            assert len(waiting) == many
            os.kill(engine, signal.SIGCONT)
            return await asyncio.gather(*asked)

    os.kill(engine, signal.SIGSTOP)
    try:
        assert asyncio.run(all_of_them()) == [200] * many
    finally:
        os.kill(engine, signal.SIGCONT)


def engine_of(site: Path, name: str) -> int:
    """Return the process that answers for a server."""
    # The record knows the keeper, and the keeper's notes the engine.
    notes = json.loads((site / "state" / "servers" / name / "engine.json").read_bytes())
    return int(notes["engine"])
