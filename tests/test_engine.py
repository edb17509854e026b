"""The main job on the real vLLM: one server, started once, asked about everything."""

from __future__ import annotations

import hashlib
import http.client
import json
import math
import os
import signal
import socket
import statistics
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletionUserMessageParam

from aim_jupyter import demo
from aim_jupyter.core import api, engines, metrics, serving
from aim_jupyter.core.errors import ModelMissing, StartFailed
from aim_jupyter.core.metrics import Scrape
from aim_jupyter.core.request import Request
from aim_jupyter.core.serving import ServerFolder
from aim_jupyter.core.serving.start import engine, warm
from aim_jupyter.core.serving.state.process import members, memory_bytes
from aim_jupyter.core.serving.watch import endpoint
from aim_jupyter.verbs.conversation import Conversation
from aim_jupyter.verbs.server import Server
from tests.conftest import use_installed_engine
from tests.load import TOKENS, Load, put
from tests.waiting import say, until

pytestmark = [pytest.mark.engine, pytest.mark.timeout(600)]

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
        launched = api.launch(Request(model="demo", restarts=1))
        for _ in api.wait(launched.name, limit_s=480):
            pass
    yield launched
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AIM_STATE_DIR", str(home / "state"))
        warm.end()
    record = serving.stop(launched)
    assert record.state == "stopped"
    assert record.engine is not None
    assert members(record.engine) == []


def test_it_went_through_the_stages_of_a_real_start(folder: ServerFolder) -> None:
    record = folder.read()
    assert [stage.stage for stage in record.stages] == ["boot", "load", "ready"]
    assert record.stages[0].detail == "workers are up"
    assert record.facts["context_tokens"] == 1024
    assert record.facts["kv_tokens"] > 1024


def test_it_answers_what_the_model_has_learned(folder: ServerFolder) -> None:
    answer = say(folder, "How do I free a GPU?")
    assert "%aim stop" in answer


def test_it_knows_every_answer_by_heart(folder: ServerFolder) -> None:
    asked = demo.answers()
    with ThreadPoolExecutor(max_workers=4) as several:
        said = dict(zip(asked, several.map(lambda each: say(folder, each), asked), strict=True))
    assert said == asked
    assert len(said) == len(demo.questions())


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


def test_each_answer_carries_the_name_of_what_served_it(
    folder: ServerFolder, real_engine: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIM_STATE_DIR", str(folder.path.parents[1]))
    name = folder.read().provenance
    kept = api.record(name)
    assert kept.served.packages["torch"]
    with Server(folder).client as client:
        asked: Any = {"model": "demo", "messages": [{"role": "user", "content": "What is a plan?"}]}
        assert client.chat.completions.create(**asked).system_fingerprint == name
        parts = list(client.chat.completions.create(**asked, stream=True))
    assert parts[-1].system_fingerprint == name
    assert api.differences(kept, Request(model="demo", restarts=1)) == []


@pytest.mark.parametrize(
    "path", ["/metrics", "/v1/models", "/version", "/invocations", "/tokenize", "/docs", "/ping"]
)
def test_no_route_answers_without_the_key(folder: ServerFolder, path: str) -> None:
    at = folder.read().address
    assert endpoint.get(at, path).status == http.client.UNAUTHORIZED
    assert endpoint.get(at, path, folder.key()).status != http.client.UNAUTHORIZED
    assert endpoint.get(at, "/health").status == http.client.OK


def test_a_guest_may_chat_and_do_no_more(folder: ServerFolder) -> None:
    (folder.path / "guests").write_text(hashlib.sha256(b"guest").hexdigest())
    made = openai.OpenAI(base_url=folder.read().url, api_key="guest", max_retries=0)
    with made as client:
        assert client.models.list().data
        asked: ChatCompletionUserMessageParam = {"role": "user", "content": "What is a recipe?"}
        reply = client.chat.completions.create(model="default", messages=[asked])
    assert reply.choices[0].message.content
    at = folder.read().address
    assert endpoint.get(at, "/tokenize", "guest").status == http.client.UNAUTHORIZED
    (folder.path / "guests").unlink()
    assert endpoint.get(at, "/v1/models", "guest").status == http.client.UNAUTHORIZED


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
    with socket.create_connection(("127.0.0.1", port), timeout=60) as connection:
        connection.sendall("\r\n".join(lines).encode())
        answer = connection.makefile("rb").readline()
    return int(answer.split()[1]) if answer else 0


def test_every_route_of_its_own_description_wants_the_key(folder: ServerFolder) -> None:
    record = folder.read()
    reply = endpoint.get(record.address, "/openapi.json", folder.key(), timeout_s=60)
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


#: The engine's own names of the latencies, and ours.
LATENCIES = {
    "vllm:time_to_first_token_seconds_bucket": "ttft",
    "vllm:inter_token_latency_seconds_bucket": "itl",
    "vllm:e2e_request_latency_seconds_bucket": "e2e",
}
Buckets = dict[str, dict[float, int]]


def buckets(folder: ServerFolder) -> Buckets:
    """Return what the engine itself says now: of each latency how many were at most so long."""
    found: Buckets = {name: {} for name in LATENCIES.values()}
    for row in metrics.exported(serving.exposition(folder, folder.read()), folder.name):
        if name := LATENCIES.get(row.metric):
            bound = float(row.labels.partition('le="')[2].partition('"')[0])
            found[name][bound] = int(row.value)
    return found


def added(one: Buckets, other: Buckets, times: int = 1) -> Buckets:
    """Return the sum of both, or what one has more than the other."""
    return {
        name: {bound: count + times * other[name].get(bound, 0) for bound, count in each.items()}
        for name, each in one.items()
    }


def true_bucket(counts: dict[float, int], share: float) -> tuple[float, float]:
    """Return between which bounds (ms) the latency lies that is longer than such a share of all."""
    low = 0.0
    for high, count in sorted(counts.items()):
        if count >= share * counts[math.inf]:
            break
        low = high
    return 1000 * low, 1000 * high


def settled(folder: ServerFolder) -> Scrape:
    """Return what the supervisor has measured twice since: nothing is on its way any more."""
    since = time.time()
    until(lambda: (found := metrics.latest(folder.path)) is not None and found.at > since + 1)
    found = metrics.latest(folder.path)
    assert found is not None
    return found


def check_load(folder: ServerFolder, load: Load, counts: Buckets, done: int) -> None:
    """Fail unless the figures of the window that began with the load are those of the load."""
    now = metrics.latest(folder.path)
    assert now is not None
    sample = metrics.between(metrics.before(folder.path, load.began), now)
    assert sample.req_done == done
    assert sample.gen_tok_s is not None
    assert sample.prompt_tok_s is not None
    assert sample.window_s is not None
    assert sample.gen_tok_s * sample.window_s == pytest.approx(load.tokens)
    assert sample.prompt_tok_s * sample.window_s == pytest.approx(load.prompt_tokens)
    for name, each in counts.items():
        # A gap comes before each token but the first.
        gaps = load.tokens - load.requests
        assert each[math.inf] == (gaps if name == "itl" else load.requests)
        for part, share in (("p50", 0.5), ("p95", 0.95)):
            low, high = true_bucket(each, share)
            assert low <= getattr(sample, f"{name}_{part}_ms") <= high, (name, part)


def test_a_known_load_is_measured_as_it_was(folder: ServerFolder) -> None:
    before, first = settled(folder).values, buckets(folder)
    load = put(folder, seconds=14)
    after, last = settled(folder).values, buckets(folder)
    assert load.tokens == TOKENS * load.requests, "else the load is not the one that was asked for"
    grown = {name: value - before.get(name, 0) for name, value in after.items()}
    assert grown["finished"] == grown["finished_length"] == grown["requests"] == load.requests
    assert grown["failed"] == grown["finished_stopped"] == 0
    assert (grown["prompt_tokens"], grown["generation_tokens"]) == (load.prompt_tokens, load.tokens)
    counts = added(last, first, -1)
    check_load(folder, load, counts, done=int(before["finished"]) + load.requests)
    # Against the clients' own clocks: what came in the eight seconds that each sample looks back,
    # beside which the moment counts little in which a busy engine is asked.
    shares = [
        (each.gen_tok_s or 0) / load.rate(each.at - each.window_s, each.at)
        for each in metrics.samples(folder.path, load.began, window_s=8)
        if each.window_s and load.began < each.at - each.window_s and each.at < load.ended
    ]
    assert len(shares) > 1
    assert statistics.median(shares) == pytest.approx(1, abs=0.05)


def test_a_restart_of_the_engine_loses_no_count_and_counts_nothing_twice(
    folder: ServerFolder,
) -> None:
    settled(folder)
    first = buckets(folder)
    one = put(folder, least=2)
    settled(folder)
    counts = added(buckets(folder), first, -1)
    told = engine.notes(folder.path)
    assert told is not None
    os.kill(told.engine, signal.SIGKILL)
    until(lambda: folder.read().restarts == 1)
    until(lambda: folder.read().state == "running", 480)
    # More than before: no counter of the new engine is lower than where the window begins.
    two = put(folder, least=6)
    assert two.tokens > one.tokens
    settled(folder)
    counts = added(buckets(folder), counts)
    both = Load(
        began=one.began,
        ended=two.ended,
        requests=one.requests + two.requests,
        prompt_tokens=one.prompt_tokens + two.prompt_tokens,
        tokens=one.tokens + two.tokens,
        came=one.came + two.came,
    )
    check_load(folder, both, counts, done=two.requests)
    past = metrics.samples(folder.path, one.began)
    assert min(each.gen_tok_s for each in past if each.gen_tok_s is not None) >= 0
    total = sum((each.gen_tok_s or 0) * (each.window_s or 0) for each in past)
    assert total == pytest.approx(both.tokens)


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
    (broken / "model.safetensors").write_bytes(weights)
    whole = api.plan(Request(model=str(broken)))
    (broken / "model.safetensors").write_bytes(weights[: len(weights) // 2])
    with pytest.raises(ModelMissing, match="is cut"):
        api.launch(Request(model=str(broken)))
    # Past what is checked before a start: this is what the engine itself says.
    launched = serving.launch(whole)
    with pytest.raises(StartFailed, match="weight file"):
        for _ in api.wait(launched.name, limit_s=480):
            pass
    crash = launched.read().crash
    assert crash is not None
    assert "SafetensorError" in crash.line
    assert crash.cleaned_up == "no engine process left"
