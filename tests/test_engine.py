"""The main job on the real vLLM: one server, started once, asked about everything."""

from __future__ import annotations

import http.client
import json
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aim_jupyter import demo
from aim_jupyter.conversation import Conversation
from aim_jupyter.core import api, engines, serving
from aim_jupyter.core.errors import ModelMissing, StartFailed
from aim_jupyter.core.planning import Request
from aim_jupyter.core.serving import ServerFolder, endpoint
from aim_jupyter.core.serving.process import members, memory_bytes
from aim_jupyter.server import Server
from tests.conftest import use_installed_engine
from tests.waiting import say

pytestmark = [pytest.mark.engine, pytest.mark.timeout(300)]

#: What the design promises for the whole demo server.
MOST_BYTES = 1_200_000_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerFolder]:
    """One real server for all tests of this file."""
    home = tmp_path_factory.mktemp("engine")
    with pytest.MonkeyPatch.context() as patch:
        for name in [each for each in os.environ if each.startswith("AIM_")]:
            patch.delenv(name)
        use_installed_engine(patch)
        patch.setenv("AIM_STATE_DIR", str(home / "state"))
        patch.setenv("AIM_SYS_ROOT", str(home))
        launched = api.launch(Request(model="demo"))
        for _ in api.wait(launched.name, limit_s=240):
            pass
    yield launched
    record = serving.stop(launched)
    assert record.state == "stopped"
    assert record.engine is not None
    assert members(record.engine) == []


def test_it_went_through_the_stages_of_a_real_start(folder: ServerFolder) -> None:
    record = folder.read()
    assert [stage.stage for stage in record.stages] == ["boot", "load", "ready"]
    assert record.stages[0].detail.startswith("vLLM 0.32.0")
    assert record.facts["context_tokens"] == 1024
    assert record.facts["kv_tokens"] > 1024


def test_it_answers_what_the_model_has_learned(folder: ServerFolder) -> None:
    answer = say(folder, "How do I free a GPU?")
    assert "%aim stop" in answer


def test_it_knows_every_answer_by_heart(folder: ServerFolder) -> None:
    right = [
        question for question, answer in demo.answers().items() if say(folder, question) == answer
    ]
    assert len(right) == len(demo.questions())


def test_a_conversation_streams_and_goes_on(folder: ServerFolder) -> None:
    conversation = Conversation(Server(folder))
    replies = list(conversation.say("What is a recipe?"))
    last = replies[-1]
    assert last.done
    assert last.finish_reason == "stop"
    assert last.tokens
    assert last.ttft_s is not None
    assert len(replies) > 5
    *_, second = conversation.say("How do I free a GPU?")
    assert "%aim stop" in second.text
    with Server(folder).client as client:
        assert {model.id for model in client.models.list()} == {"demo", "default"}


def test_metrics_count_what_was_asked(folder: ServerFolder) -> None:
    before = serving.view(folder).sample
    assert before is not None
    for _ in range(4):
        say(folder, "What is a lease?")
    # It is measured once a second.
    time.sleep(3)
    after = serving.view(folder).sample
    assert after is not None
    assert (after.req_done or 0) - (before.req_done or 0) == 4
    assert after.gen_tok_s
    assert after.ttft_p50_ms
    assert after.e2e_p50_ms
    assert (after.idle_s or 0) < 10


@pytest.mark.parametrize(
    "path", ["/metrics", "/v1/models", "/version", "/invocations", "/tokenize", "/docs", "/ping"]
)
def test_no_route_answers_without_the_key(folder: ServerFolder, path: str) -> None:
    at = folder.read().address
    assert endpoint.get(at, path).status == http.client.UNAUTHORIZED
    assert endpoint.get(at, path, folder.key()).status != http.client.UNAUTHORIZED
    assert endpoint.get(at, "/health").status == http.client.OK


#: Routes of vLLM 0.32 that its description leaves out (facts/vllm.md 3.1), and ways around a guard.
BESIDES = [
    *("/docs", "/redoc", "/openapi.json", "/metrics", "/metrics/", "/ping", "/load", "/sleep"),
    *("/collective_rpc", "/server_info", "/reset_prefix_cache", "/is_sleeping", "/v1/realtime"),
    *("/HEALTH", "//health", "/health/", "/health/../v1/models", "/health/..%2fv1/models"),
    *("/health;/v1/models", "/%68ealth/../metrics", "/./metrics", "//v1/models", "/v1//models"),
    *("/V1/models", "/health%00/v1/models", "/health?/../v1/models", "/health%3f", "*"),
]


def raw(port: int, method: str, target: str, *headers: str) -> int:
    """Ask with the request line as it is written here: no client tidies it up."""
    lines = [f"{method} {target} HTTP/1.1", "Host: x", "Connection: close", *headers, "", ""]
    with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
        connection.sendall("\r\n".join(lines).encode())
        answer = connection.makefile("rb").readline()
    return int(answer.split()[1]) if answer else 0


def test_every_route_of_its_own_description_wants_the_key(folder: ServerFolder) -> None:
    record = folder.read()
    reply = endpoint.get(record.address, "/openapi.json", folder.key(), timeout_s=20)
    described = json.loads(reply.body)["paths"]
    assert {"/v1/chat/completions", "/tokenize", "/invocations", "/health"} <= set(described)
    calls = {
        (method.upper(), path.replace("{", "").replace("}", ""))
        for path, methods in described.items()
        for method in methods
        if path != "/health"
    }
    calls |= {
        (method, path)
        for path in (*described, *BESIDES)
        for method in ("GET", "POST", "HEAD", "OPTIONS")
        if path not in ("/health", "/health?/../v1/models")
    }
    port = record.port or 0
    body = ("Content-Length: 0", "Authorization: Bearer wrong")
    open_to_all = {call for call in calls if 0 < raw(port, *call, *body) < 400}
    assert open_to_all == set()
    assert raw(port, "GET", f"http://127.0.0.1:{port}/v1/models") == http.client.UNAUTHORIZED
    assert raw(port, "GET", "/health?/../v1/models") == http.client.OK, "that is /health, empty"
    assert endpoint.get(record.address, "/health?/../v1/models").body == b""
    upgrade = ("Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13")
    key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
    for path in ("/v1/realtime", "/health", "/v1/chat/completions"):
        assert raw(port, "GET", path, *upgrade, key) != http.client.SWITCHING_PROTOCOLS


def test_no_process_shows_the_key(folder: ServerFolder) -> None:
    engine = folder.read().engine
    assert engine is not None
    for pid in members(engine):
        assert folder.key().encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
    assert folder.key() not in folder.log.read_text(errors="replace")


def test_the_whole_server_stays_small(folder: ServerFolder) -> None:
    record = folder.read()
    assert record.engine is not None
    assert record.supervisor is not None
    used = memory_bytes(members(record.engine))
    assert used is not None
    assert used < MOST_BYTES
    assert (memory_bytes([record.supervisor.pid]) or 0) < 40 << 20


def test_a_context_that_is_too_long_is_told(folder: ServerFolder) -> None:
    conversation = Conversation(Server(folder))
    with pytest.raises(Exception, match="maximum context length"):
        list(conversation.say("word " * 3000))
    assert conversation.messages == []


def test_the_real_parser_is_known(real_engine: None) -> None:
    environment = engines.choose(platform="cpu")
    known = {name for flag in environment.flags for name in flag.names}
    assert {"--middleware", "--max-model-len", "--shutdown-timeout", "--uds"} <= known
    assert "VLLM_API_KEY" in environment.variables


def test_a_model_that_does_not_load_is_explained(real_engine: None, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    for file in demo.FOLDER.iterdir():
        if file.suffix in (".json", ".jinja"):
            (broken / file.name).write_bytes(file.read_bytes())
    weights = (demo.FOLDER / "model.safetensors").read_bytes()
    (broken / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(ModelMissing, match="an incomplete download"):
        api.launch(Request(model=str(broken)))
    # Past what is checked before a start: this is what the engine itself says.
    launched = serving.launch(api.plan(Request(model=str(broken))))
    with pytest.raises(StartFailed, match="weight file"):
        for _ in api.wait(launched.name, limit_s=120):
            pass
    crash = launched.read().crash
    assert crash is not None
    assert "SafetensorError" in crash.line
    assert crash.cleaned_up == "no engine process left"
