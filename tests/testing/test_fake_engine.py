"""The scripted fake engine: a child that behaves as told."""

from __future__ import annotations

import http.client
import json
import os
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from aim_jupyter.core import adapters, metrics
from aim_jupyter.core.records import Address
from aim_jupyter.core.serving.start import ports
from aim_jupyter.core.serving.state.process import identify, members, signal_group
from aim_jupyter.core.serving.watch import endpoint
from aim_jupyter.core.serving.watch.stages import StageTracker
from aim_jupyter.testing import Script, fake_engine
from tests.waiting import LIMIT_S, until

KEY = "the-key"
VLLM = adapters.get("vllm")
SERVE = ["-m", "vllm.entrypoints.openai.api_server", "--model", "m", "--served-model-name", "m"]


class Running(NamedTuple):
    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def at(self) -> Address:
        return Address(port=self.port)

    @property
    def text(self) -> str:
        return self.log.read_text()

    def children(self) -> int:
        known = identify(self.process.pid)
        return len(members(known)) - 1 if known else 0


@contextmanager
def running(folder: Path, script: Script, *more: str) -> Iterator[Running]:
    """Run a fake engine on its own, without any of our serving."""
    program = fake_engine(folder, script)
    holder, port = ports.reserve()
    log = folder / "log"
    with holder, log.open("wb") as output:
        process = subprocess.Popen(
            [str(program), *SERVE, "--port", str(port), *more],
            stderr=output,
            stdout=output,
            env={**os.environ, "VLLM_API_KEY": KEY, **VLLM.door()},
            start_new_session=True,
        )
        known = identify(process.pid)
        assert known is not None
        try:
            yield Running(process, port, log)
        finally:
            signal_group(known, signal.SIGKILL)
            process.wait(LIMIT_S)


def ready(engine: Running) -> None:
    until(lambda: endpoint.healthy(engine.at))


def chat(engine: Running, text: str, *, stream: bool = False) -> bytes:
    with asked(engine, text, stream=stream) as answer:
        content: bytes = answer.read()
    return content


def asked(engine: Running, text: str, *, stream: bool = False) -> Any:
    body = {"model": "m", "stream": stream, "messages": [{"role": "user", "content": text}]}
    request = urllib.request.Request(
        f"http://127.0.0.1:{engine.port}/v1/chat/completions",
        json.dumps(body).encode(),
        {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"},
    )
    return urllib.request.urlopen(request, timeout=LIMIT_S)


def test_it_serves_what_the_tests_ask(tmp_path: Path) -> None:
    with running(tmp_path, Script()) as engine:
        ready(engine)
        assert endpoint.names_model(engine.at, KEY, "m")
        assert not endpoint.names_model(engine.at, "wrong", "m")
        assert endpoint.get(engine.at, "/v1/models").status == 401
        assert endpoint.get(engine.at, "/no/such/route", KEY).status == 404
        reply = json.loads(chat(engine, "hello"))
        assert reply["choices"][0]["message"]["content"] == "You said: hello"
        assert reply["usage"]["completion_tokens"] == 3
        events = chat(engine, "hello", stream=True).split(b"\n\n")
        assert events[-2:] == [b"data: [DONE]", b""]
        scrape = metrics.read(
            endpoint.get(engine.at, "/metrics", KEY).body.decode(), 0.0, VLLM.metrics
        )
        assert (scrape.values["finished"], scrape.requests) == (2, 2)
        assert scrape.histograms["ttft"].count == 2


def test_it_has_children_that_end_with_it(tmp_path: Path) -> None:
    with running(tmp_path, Script(children=3)) as engine:
        ready(engine)
        assert engine.children() == 3
        known = identify(engine.process.pid)
        assert known is not None
        engine.process.terminate()
        assert engine.process.wait(LIMIT_S) == 0
        until(lambda: members(known) == [])


@pytest.mark.parametrize("stage", ["boot", "load", "ready"])
def test_it_fails_where_it_is_told_to(tmp_path: Path, stage: str) -> None:
    script = Script(fail_at=stage, fail_line="KeyError: 'told'", exit_code=7)
    with running(tmp_path, script) as engine:
        assert engine.process.wait(LIMIT_S) == 7
        lines = engine.text.splitlines()
        assert lines[-2].endswith("KeyError: 'told'")
        assert lines[-1].startswith("RuntimeError: Engine core initialization failed")
        assert ("Starting to load" in engine.text) is (stage != "boot")
        assert ("KV cache size" in engine.text) is (stage == "ready")


def test_it_is_never_ready_where_it_is_told_so(tmp_path: Path) -> None:
    with running(tmp_path, Script(never_ready=True)) as engine:
        until(lambda: endpoint.get(engine.at, "/health").status == 503)


def test_it_ignores_a_friendly_end_where_it_is_told_to(tmp_path: Path) -> None:
    with running(tmp_path, Script(ignore_term=True)) as engine:
        ready(engine)
        engine.process.terminate()
        with pytest.raises(subprocess.TimeoutExpired):
            engine.process.wait(0.4)
        assert endpoint.healthy(engine.at)


def test_it_loads_as_many_shards_as_it_is_told(tmp_path: Path) -> None:
    with running(tmp_path, Script(shards=4, flood_lines=10)) as engine:
        ready(engine)
        assert engine.text.count("Loading safetensors checkpoint shards:") == 4
        assert engine.text.count("flood line ") == 10


def test_it_binds_late_where_it_is_told_to_and_says_when_it_cannot(tmp_path: Path) -> None:
    taken = tmp_path / "taken"
    with running(tmp_path, Script(gates={"bind": str(taken)})) as engine:
        with socket.socket() as thief:
            thief.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            thief.bind((ports.LOOPBACK, engine.port))
            thief.listen()
            taken.touch()
            assert engine.process.wait(LIMIT_S) == 1
        assert engine.text.strip() == "OSError: [Errno 98] Address already in use"


def test_it_waits_at_each_gate(tmp_path: Path) -> None:
    gates = {name: tmp_path / name for name in ("boot", "load", "reply")}
    script = Script(gates={name: str(file) for name, file in gates.items()})
    with running(tmp_path, script) as engine:
        until(lambda: "version 0.32.0" in engine.text)
        assert "Starting to load" not in engine.text
        gates["boot"].touch()
        until(lambda: "1/2" in engine.text)
        assert "2/2" not in engine.text
        gates["load"].touch()
        ready(engine)
        with asked(engine, "a b c", stream=True) as answer:
            assert b'"You"' in answer.readline()
            gates["reply"].touch()
            assert answer.read().count(b"data: ") == 7


def test_it_dies_in_the_middle_of_a_reply_where_it_is_told_to(tmp_path: Path) -> None:
    with running(tmp_path, Script(die_after=1)) as engine:
        ready(engine)
        with pytest.raises((OSError, http.client.HTTPException)):
            chat(engine, "a b c", stream=True)
        assert engine.process.wait(LIMIT_S) == -signal.SIGKILL


@pytest.mark.parametrize("option", [["--no-such-option"], ["--dtype", "int3"]])
def test_it_refuses_what_the_parser_of_an_engine_refuses(tmp_path: Path, option: list[str]) -> None:
    with running(tmp_path, Script(), *option) as engine:
        assert engine.process.wait(LIMIT_S) == 2
        assert "error: " in engine.text


def test_it_lies_in_a_folder_of_any_name(tmp_path: Path) -> None:
    folder = tmp_path / "it's a folder; with $everything"
    folder.mkdir()
    program = fake_engine(folder)
    done = subprocess.run(
        [str(program), "-c", "import vllm; print(vllm.__version__)"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "0.32.0\n"


def test_its_lines_are_those_that_the_stages_are_read_from(tmp_path: Path) -> None:
    with running(tmp_path, Script()) as engine:
        ready(engine)
        tracker = StageTracker("vllm")
        tracker.enter("boot", 0.0)
        for line in engine.text.replace("\r", "\n").splitlines():
            tracker.feed(line, 1.0)
    assert [stage.stage for stage in tracker.stages] == ["boot", "load", "ready"]
    assert tracker.stages[0].detail == "vLLM 0.32.0, engine process is up"
    assert tracker.facts["kv_tokens"] == 87296
