"""The gateway as programs meet it: real clients, several engines, one address."""

from __future__ import annotations

import json
import os
import signal
import stat
from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from aim_jupyter.core.api import directory
from aim_jupyter.core.errors import BadUsage, PortTaken
from aim_jupyter.core.request import Request
from aim_jupyter.core.serving import ServerFolder
from aim_jupyter.relay import app
from tests.conftest import FakeEngine
from tests.waiting import launch_ready, until

SAY: list[Any] = [{"role": "user", "content": "one two three"}]


@pytest.fixture
def two(fake: FakeEngine) -> list[ServerFolder]:
    """Two servers of the same model: what is asked of one by name is not asked of the other."""
    fake()
    return [launch_ready(Request(model="demo", name=name, new=True)) for name in ("one", "two")]


@pytest.fixture
def there() -> Iterator[app.Address]:
    with app.serving() as address:
        yield address


@pytest.fixture
def client(two: list[ServerFolder], there: app.Address) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=there.base_url, api_key=there.api_key, max_retries=0) as made:
        yield made


def seen(folder: ServerFolder) -> int:
    """Return how many requests an engine has had, as it says itself."""
    record = folder.read()
    assert record.address is not None
    headers = {"Authorization": f"Bearer {folder.key()}"}
    url = f"http://127.0.0.1:{record.address.port}/metrics"
    text = httpx.get(url, headers=headers).text
    lines = [line for line in text.splitlines() if line.startswith("vllm:request_success_total")]
    return int(sum(float(line.rpartition(" ")[2]) for line in lines))


def test_the_model_says_which_server_is_meant(
    client: openai.OpenAI, two: list[ServerFolder]
) -> None:
    names = [model.id for model in client.models.list()]
    assert names == ["two", "one", "demo"]
    for name in ("one", "ONE", "one"):
        reply = client.chat.completions.create(model=name, messages=SAY)
        assert reply.choices[0].message.content == "You said: one two three"
    until(lambda: seen(two[0]) == 3)
    assert seen(two[1]) == 0
    # Of several that serve the same model it is the last that was launched.
    client.chat.completions.create(model="demo", messages=SAY)
    until(lambda: seen(two[1]) == 1)


def test_words_come_as_they_are_said_through_an_alias(client: openai.OpenAI) -> None:
    assert directory.alias("judge=nobody,one") == {"judge": ("nobody", "one")}
    until(lambda: "judge" in [model.id for model in client.models.list()])
    stream = client.chat.completions.create(model="judge", messages=SAY, stream=True)
    words = [chunk.choices[0].delta.content for chunk in stream if chunk.choices]
    assert len(words) > 3
    assert "".join(filter(None, words)) == "You said: one two three"


@pytest.mark.parametrize(
    "body",
    [
        '{"mod\\u0065l": "one", "messages": %s}',
        '{"model": "nobody", "messages": %s, "model": "one"}',
        ' {"messages" : %s , "model":"one"}',
    ],
)
def test_a_model_in_any_spelling_is_the_one_that_is_asked(
    client: openai.OpenAI, there: app.Address, two: list[ServerFolder], body: str
) -> None:
    headers = {"Authorization": f"Bearer {there.api_key}", "Content-Type": "application/json"}
    text = body % json.dumps(SAY)
    reply = httpx.post(f"{there.base_url}/chat/completions", content=text, headers=headers)
    assert reply.status_code == 200, reply.text
    until(lambda: seen(two[0]) == 1)


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ('{"model": "onne"}', 404, "Nearest: one"),
        ('{"model": 3}', 400, "names no model"),
        ('{"messages": []}', 400, "names no model"),
        ("[1]", 400, "no JSON object"),
        ("[" * 100_000, 400, "no JSON object"),
        ('{"model": "\ud800"}', 400, ""),
    ],
)
def test_what_means_no_server_is_told_as_openai_tells_it(
    client: openai.OpenAI, there: app.Address, body: str, status: int, said: str
) -> None:
    headers = {"Authorization": f"Bearer {there.api_key}"}
    content = body.encode("utf-8", "surrogatepass")
    reply = httpx.post(f"{there.base_url}/chat/completions", content=content, headers=headers)
    assert (reply.status_code, reply.json()["error"]["code"]) == (status, status)
    assert said in reply.json()["error"]["message"]


def test_who_asks_for_what_the_model_does_not_do_is_told_who_can(client: openai.OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match=r"does chat, completion, json, not embed"):
        client.embeddings.create(model="one", input="a")


@pytest.mark.parametrize("key", ["", "Bearer wrong", "token wrong", "Bearer \x80"])
def test_without_the_key_nothing_is_told(there: app.Address, key: str) -> None:
    headers = {b"Authorization": key.encode("latin-1")}
    for path in ("/models", "/chat/completions", "/nothing"):
        reply = httpx.post(f"{there.base_url}{path}", headers=headers, content=b"{")
        assert reply.status_code == 401
        assert "wants its key" in reply.text


def test_the_key_is_kept_for_its_user_alone(there: app.Address) -> None:
    assert stat.S_IMODE(app.place().stat().st_mode) == 0o600
    with app.serving() as again:
        assert again.api_key == there.api_key
    assert there.api_key not in repr(there)
    headers = {"x-api-key": there.api_key}
    assert httpx.get(f"{there.base_url}/models", headers=headers).status_code == 200


def test_the_engine_stops_when_the_client_leaves(
    client: openai.OpenAI, two: list[ServerFolder]
) -> None:
    long: list[Any] = [{"role": "user", "content": "word " * 2000}]
    with client.chat.completions.create(model="one", messages=long, stream=True) as stream:
        next(stream)
    until(lambda: _running(two[0]) == 0)


def _running(folder: ServerFolder) -> float:
    address = folder.read().address
    assert address is not None
    headers = {"Authorization": f"Bearer {folder.key()}"}
    text = httpx.get(f"http://127.0.0.1:{address.port}/metrics", headers=headers).text
    lines = [line for line in text.splitlines() if line.startswith("vllm:num_requests_running")]
    return float(lines[0].rpartition(" ")[2])


def test_a_server_that_dies_in_the_middle_breaks_off_and_the_other_is_asked(
    client: openai.OpenAI, two: list[ServerFolder]
) -> None:
    long: list[Any] = [{"role": "user", "content": "word " * 5000}]
    stream = client.chat.completions.create(model="two", messages=long, stream=True)
    next(stream)
    notes = json.loads((two[1].path / "engine.json").read_bytes())
    os.kill(int(notes["engine"]), signal.SIGKILL)
    # Half a reply does not look like a whole one: openai says so, or its HTTP library.
    with pytest.raises((openai.APIError, httpx.HTTPError)):
        for _ in stream:
            pass

    def answered() -> bool:
        try:
            return bool(client.chat.completions.create(model="demo", messages=SAY).choices)
        except openai.APIStatusError:
            return False

    until(answered)


def test_a_port_that_is_taken_or_none_is_said(there: app.Address) -> None:
    port = int(there.base_url.split(":")[2].partition("/")[0])
    with pytest.raises(PortTaken, match=str(port)), app.serving(port):
        pass
    with pytest.raises(BadUsage, match="no port"), app.serving(70_000):
        pass
