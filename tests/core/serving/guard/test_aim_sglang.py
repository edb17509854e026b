"""The program that starts SGLang with the guard before all of its routes."""

from __future__ import annotations

import asyncio
import hashlib
import importlib
import pickle
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from aim_jupyter.core.serving.start.engine import GUARD
from tests.core.adapters.test_sglang import SGLANG


@pytest.fixture
def program(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setenv("AIM_KEY", "own")
    for name, value in SGLANG.door().items():
        monkeypatch.setenv(name, value)
    monkeypatch.syspath_prepend(str(GUARD))
    return importlib.import_module("aim_sglang")


def test_settings_that_open_another_door_are_refused(
    program: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    shut = dict.fromkeys(program.UNGUARDED)
    assert program.refused(SimpleNamespace(**shut)) == ""
    assert program.refused(SimpleNamespace(**shut | {"grpc_mode": True})) == "--grpc-mode"
    assert program.refused(SimpleNamespace(**shut | {"grpc_port": 1})) == "--grpc-port"
    monkeypatch.setenv("SGLANG_RUST_SERVER", "1")
    assert program.refused(SimpleNamespace(**shut)) == "SGLANG_RUST_SERVER"


def test_the_key_is_itself_and_never_seen(program: ModuleType) -> None:
    key = program.Secret("own")
    assert f"{key}" == key == "own"
    assert str({"api_key": key}) == "{'api_key': '***'}"
    assert repr(pickle.loads(pickle.dumps(key))) == "'***'"


class App:
    """What the program needs of an application: a stack that is built when it is first asked."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []

    def build_middleware_stack(self) -> Any:
        async def stack(scope: dict[str, Any], receive: Any, send: Any) -> None:
            self.seen.append(scope)

        return stack


def test_what_passes_the_guard_comes_with_the_servers_own_key(
    program: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    guests = tmp_path / "guests"
    guests.write_text(hashlib.sha256(b"guest").hexdigest())
    monkeypatch.setenv("AIM_GUESTS", str(guests))
    app, sent = App(), []
    program.guarded(app)
    guard = app.build_middleware_stack()

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    def ask(path: str, *headers: tuple[bytes, bytes]) -> None:
        scope = {"type": "http", "path": path, "headers": list(headers)}
        asyncio.run(guard(scope, None, send))

    ask("/metrics")
    assert app.seen == []
    assert sent[0]["status"] == 401
    own = (b"authorization", b"Bearer own")
    ask("/v1/models", own, (b"x", b"1"))
    ask("/v1/models", (b"authorization", b"Bearer guest"))
    ask("/health")
    assert [scope["headers"] for scope in app.seen] == [[(b"x", b"1"), own], [own], [own]]
