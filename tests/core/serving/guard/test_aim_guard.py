"""The engine's door: driven as the ASGI application that it is."""

from __future__ import annotations

import asyncio
import hashlib
import importlib.util
import json
import subprocess
import sys
from collections.abc import MutableMapping
from pathlib import Path
from typing import Any

import pytest

from aim_jupyter.core import adapters, files
from aim_jupyter.core.serving.start.engine import GUARD

KEY = "k-ä1"

#: Every route of vLLM 0.32 that answers without a key where only ``--api-key`` guards
#: (facts/vllm.md 3.1), and some that it guards itself.
ROUTES = [
    *("/ping", "/version", "/metrics", "/load", "/openapi.json", "/docs", "/tokenize"),
    *("/detokenize", "/invocations", "/generative_scoring", "/scale_elastic_ep", "/is_sleeping"),
    *("/server_info", "/sleep", "/wake_up", "/reset_prefix_cache", "/collective_rpc", "/", ""),
    *("/v1/models", "/v1/chat/completions", "/inference/v1/generate"),
    *(
        "/health/",
        "/healthz",
        "/Health",
        "//health",
        "/health/../metrics",
        "/health%00",
        "/x/health",
    ),
]

Scope = MutableMapping[str, Any]


class Door:
    """A guard with an application behind it, and what came of a request."""

    def __init__(self, guard: Any) -> None:
        self.reached: list[str] = []
        self.keys: list[bytes] = []
        self.sent: list[Scope] = []
        self.guard = guard(self._app)

    async def _app(self, scope: Scope, receive: Any, send: Any) -> None:
        self.reached.append(scope["type"])
        given = scope.get("headers", [])
        self.keys = [value for name, value in given if name == b"authorization"]

    async def _receive(self) -> Scope:
        return {"type": "http.request"}

    async def _send(self, message: Scope) -> None:
        self.sent.append(message)

    def ask(
        self, kind: str = "http", path: str = "/metrics", *headers: tuple[bytes, bytes]
    ) -> bool:
        """Send a request; return whether it got through."""
        self.reached, self.sent = [], []
        scope: Scope = {"type": kind, "path": path, "headers": list(headers)}
        asyncio.run(self.guard(scope, self._receive, self._send))
        return self.reached == [kind]


@pytest.fixture
def door(monkeypatch: pytest.MonkeyPatch) -> Door:
    monkeypatch.setenv("VLLM_API_KEY", KEY)
    for name, value in adapters.get("vllm").door().items():
        monkeypatch.setenv(name, value)
    spec = importlib.util.spec_from_file_location("aim_guard", GUARD / "aim_guard.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return Door(module.Guard)


def bearer(key: str) -> tuple[bytes, bytes]:
    return b"authorization", f"Bearer {key}".encode()


@pytest.mark.parametrize("path", ROUTES)
def test_every_route_wants_the_key(door: Door, path: str) -> None:
    assert not door.ask("http", path)
    start, body = door.sent
    assert start["status"] == 401
    assert (b"www-authenticate", b"Bearer") in start["headers"]
    assert json.loads(body["body"])["error"]["code"] == 401
    assert door.ask("http", path, bearer(KEY))
    assert door.sent == []


def test_health_is_open(door: Door) -> None:
    assert door.ask("http", "/health")


def test_each_engine_says_what_is_open_and_where_its_key_is(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIM_KEY_VARIABLE", "OTHER_KEY")
    monkeypatch.setenv("OTHER_KEY", "another")
    monkeypatch.setenv("AIM_OPEN_PATHS", "/alive /ping")
    other = Door(type(door.guard))
    assert [other.ask("http", path) for path in ("/alive", "/ping", "/health", "/")] == [
        True,
        True,
        False,
        False,
    ]
    assert other.ask("http", "/health", bearer("another"))
    assert not other.ask("http", "/health", bearer(KEY))
    monkeypatch.delenv("AIM_OPEN_PATHS")
    assert not Door(type(door.guard)).ask("http", "/alive")


@pytest.mark.parametrize(
    "header",
    [
        (b"authorization", b""),
        (b"authorization", b"Bearer "),
        (b"authorization", b"Bearer"),
        (b"authorization", KEY.encode()),
        (b"authorization", b"Basic " + KEY.encode()),
        (b"authorization", b"bearer " + KEY.encode()),
        (b"authorization", b"Bearer " + KEY.encode() + b" "),
        (b"authorization", "Bearer k-ä1".encode("latin-1")),
        (b"authorization", b"Bearer \xff\x00\xfe"),
        (b"x-authorization", b"Bearer " + KEY.encode()),
        (b"cookie", b"Bearer " + KEY.encode()),
    ],
)
def test_only_the_very_key_opens(door: Door, header: tuple[bytes, bytes]) -> None:
    assert not door.ask("http", "/metrics", header)
    assert door.sent[0]["status"] == 401


def test_a_websocket_without_the_key_is_closed(door: Door) -> None:
    assert not door.ask("websocket", "/v1/realtime")
    assert door.sent == [{"type": "websocket.close", "code": 1008}]
    assert door.ask("websocket", "/v1/realtime", bearer(KEY))


def test_the_beginning_and_the_end_of_the_engine_pass(door: Door) -> None:
    assert door.ask("lifespan")


def test_a_request_without_headers_is_refused(door: Door) -> None:
    scope: Scope = {"type": "http", "path": "/metrics"}
    asyncio.run(door.guard(scope, door._receive, door._send))
    assert door.sent[0]["status"] == 401


def test_without_a_key_there_is_no_guard_that_lets_all_in(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("VLLM_API_KEY")
    with pytest.raises(KeyError):
        Door(type(door.guard))


def test_the_engine_needs_nothing_of_this_package_for_it() -> None:
    code = (
        f"import sys; sys.path.insert(0, {str(GUARD)!r}); import aim_guard; "
        "print([name for name in sys.modules if name.startswith('aim_jupyter')])"
    )
    command = [sys.executable, "-S", "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# -- guests ---------------------------------------------------------------------------------------


def test_who_may_wait_is_told_how_many_have_come_who_should_not(door: Door) -> None:
    key, behind = bearer(KEY), (b"x-aim-behind", b"1")
    post: Scope = {"type": "http", "path": "/v1/chat/completions", "method": "POST"}

    async def answer(scope: Scope, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})

    door.guard.app = answer
    told = []
    for headers in ([key], [key, behind], [key], [key, behind], [behind]):
        door.sent = []
        asyncio.run(door.guard({**post, "headers": headers}, door._receive, door._send))
        told.append(dict(door.sent[0]["headers"]).get(b"x-aim-people"))
    # The last one has no key.
    assert told == [None, b"1", None, b"2", None]


def invite(guests: Path, *keys: str) -> None:
    """Write the hashes of keys, as the owner's side does: beside it, and moved there."""
    hashes = "\n".join(hashlib.sha256(key.encode()).hexdigest() for key in keys)
    files.write_atomic(guests, hashes.encode())


@pytest.fixture
def guests(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("AIM_GUESTS", str(tmp_path / "guests"))
    return tmp_path / "guests"


def test_guests_come_and_go_without_a_restart(guests: Path, door: Door) -> None:
    assert not door.ask("http", "/v1/models", bearer("theirs"))
    invite(guests, "theirs", "another's")
    assert door.ask("http", "/v1/models", bearer("theirs"))
    assert door.ask("http", "/metrics", bearer("another's"))
    assert door.ask("http", "/v1/models", bearer(KEY))
    invite(guests, "another's")
    assert not door.ask("http", "/v1/models", bearer("theirs"))
    assert door.ask("http", "/v1/models", bearer("another's"))
    guests.unlink()
    assert not door.ask("http", "/v1/models", bearer("another's"))
    assert door.ask("http", "/v1/models", bearer(KEY))


def test_guests_may_ask_the_model_and_nothing_else(guests: Path, door: Door) -> None:
    invite(guests, "theirs")
    for path in ROUTES:
        allowed = path.startswith("/v1/") or path == "/metrics"
        assert door.ask("http", path, bearer("theirs")) == allowed, path
    beside = ("/metricsx", "/metrics.json", "/v1x/models", "/v10/models", "/V1/models", "v1/models")
    for path in (*beside, "//v1/models", "/v1/../tokenize", "/x/v1/models", "/", "*", ""):
        assert not door.ask("http", path, bearer("theirs")), path
    assert not door.ask("websocket", "/v1/realtime", bearer("theirs"))


def test_the_engine_sees_its_own_key_and_never_a_guests(guests: Path, door: Door) -> None:
    invite(guests, "theirs")
    for header in (bearer("theirs"), bearer(KEY)):
        assert door.ask("http", "/v1/models", header, (b"accept", b"*/*"))
        assert door.keys == [f"Bearer {KEY}".encode()]


def test_a_hash_is_no_key(guests: Path, door: Door) -> None:
    invite(guests, "theirs")
    for wrong in (guests.read_text(), "", "Theirs", " theirs"):
        assert not door.ask("http", "/v1/models", bearer(wrong))
    assert not door.ask("http", "/v1/models", (b"authorization", b"Basic theirs"))


def test_a_reply_ends_when_its_guest_is_sent_away(guests: Path, door: Door) -> None:
    invite(guests, "theirs")

    async def words(scope: Scope, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for word in (b"one", b"two", b"three"):
            await send({"type": "http.response.body", "body": word, "more_body": True})
            invite(guests)

    door.guard.app = words
    door.ask("http", "/v1/chat/completions", bearer("theirs"))
    assert [message.get("body") for message in door.sent] == [None, b"one", b""]
    assert not door.sent[-1].get("more_body")
