"""Programs are told of a server, and told no more: what else is in their files stays."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from aim_jupyter.core.errors import BadUsage, UnknownName
from aim_jupyter.core.serving import ServerFolder
from aim_jupyter.work import connect
from aim_jupyter.work.connect import tools
from tests.conftest import FakeEngine
from tests.waiting import launch_ready

WITH_FILE = [tool.name for tool in tools.TOOLS if tool.file]


@pytest.fixture
def server(fake: FakeEngine) -> ServerFolder:
    fake()
    return launch_ready()


def place(name: str, server: ServerFolder) -> Path:
    tool = next(tool for tool in tools.TOOLS if tool.name == name)
    assert tool.file is not None
    return tool.file(tools.Facts("demo", "", "", server.path / "key", ""))


@pytest.mark.parametrize("name", WITH_FILE)
def test_what_is_written_is_taken_back(server: ServerFolder, name: str) -> None:
    file = place(name, server)
    connect.connect(name, server)
    text = file.read_text()
    reference = next(tool.reference for tool in tools.TOOLS if tool.name == name)
    assert (server.key() in text) is not reference
    assert file.stat().st_mode & 0o777 == 0o600
    assert connect.connected() == {name: "demo"}
    connect.disconnect(name)
    assert not file.exists() or json.loads(file.read_text()) == {}
    assert connect.connected() == {}


@pytest.mark.parametrize(
    ("name", "before"),
    [
        ("claude-code", {"env": {"ANTHROPIC_MODEL": "mine", "OTHER": "1"}, "theme": "dark"}),
        ("notebook-intelligence", {"chat_model": {"provider": "ollama"}, "x": 1}),
        ("jupyter-ai", {"custom_models": [{"id": "custom-1/mine"}], "fields": {}}),
    ],
)
def test_what_else_was_there_stays(server: ServerFolder, name: str, before: dict[str, Any]) -> None:
    file = place(name, server)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(before))
    for _ in range(2):
        connect.connect(name, server)
    assert json.loads(file.read_text()) != before
    connect.disconnect(name)
    assert json.loads(file.read_text()) == before


def test_what_somebody_changed_since_is_left(server: ServerFolder) -> None:
    connect.connect("claude-code", server)
    file = place("claude-code", server)
    document = json.loads(file.read_text())
    document["apiKeyHelper"] = "mine"
    file.write_text(json.dumps(document))
    connect.disconnect("claude-code")
    assert json.loads(file.read_text()) == {"apiKeyHelper": "mine"}


@pytest.mark.parametrize("tool", tools.TOOLS, ids=lambda tool: tool.name)
def test_it_is_shown_before_it_is_written(server: ServerFolder, tool: tools.Tool) -> None:
    lines = connect.shown(tool.name, server)
    assert server.key() not in "\n".join(lines)
    assert not tool.file or not place(tool.name, server).exists()
    assert any("127.0.0.1" in line or "server.base_url" in line for line in lines)


def test_what_is_no_settings_file_is_left_alone(server: ServerFolder) -> None:
    file = place("claude-code", server)
    file.parent.mkdir(parents=True)
    file.write_text("{ not json")
    with pytest.raises(BadUsage, match="is no JSON"):
        connect.connect("claude-code", server)
    assert file.read_text() == "{ not json"
    with pytest.raises(UnknownName):
        connect.shown("nothing-of-this-name", server)
    with pytest.raises(BadUsage, match="has no file"):
        connect.connect("langchain", server)
