"""The fake engine's server: vLLM's routes and answers, without a model."""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from vllm.entrypoints.openai import course
from vllm.entrypoints.openai.cli_args import make_arg_parser
from vllm.entrypoints.openai.counters import Counters
from vllm.entrypoints.openai.slots import Slots


class Server(ThreadingHTTPServer):
    """Listens as vLLM does: on a port that its launcher may be holding for it."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, arguments: Namespace, script: dict[str, object]) -> None:
        self.arguments = arguments
        self.script = script
        self.counters = Counters()
        slots = script["slots"]
        self.slots = Slots(int(slots)) if slots else None
        self.counters.slots = slots
        if "VLLM_API_KEY" in os.environ:
            # The real guard's, which the supervisor puts on the engine's path.
            self.keys = importlib.import_module("aim_guard").Keys()
        place = (arguments.host, arguments.port)
        if arguments.uds:
            self.address_family, place = socket.AF_UNIX, arguments.uds
        super().__init__(place, Handler, bind_and_activate=False)
        # As vLLM: the port is taken before the model is loaded, and listened on after.
        self.server_bind()

    def server_bind(self) -> None:
        """Bind with the option that lets a holder keep the port."""
        if self.address_family == socket.AF_UNIX:
            self.socket.bind(self.server_address)
            return
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        super().server_bind()


class Handler(BaseHTTPRequestHandler):
    """The routes that the tests use."""

    server: Server
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def setup(self) -> None:
        """Begin with a client."""
        # A client that keeps its connection would else wait 40 ms for each answer's second packet;
        # on a socket file there is nothing of the kind.
        self.disable_nagle_algorithm = self.request.family == socket.AF_INET
        super().setup()

    def do_GET(self) -> None:
        """Answer health, models and metrics."""
        time.sleep(float(self.server.script["answer_s"]))
        if self.path == "/health":
            self._send(503 if self.server.script["never_ready"] else 200, b"")
        elif not self._has_key():
            self._send(401, b'{"error":"Unauthorized"}')
        elif self.path == "/metrics":
            self._send(200, self.server.counters.text().encode(), "text/plain")
        elif self.path == "/v1/models":
            names = self.server.arguments.served_model_name
            self._json(
                {"object": "list", "data": [{"id": name, "object": "model"} for name in names]}
            )
        elif self.path.startswith("/v1/seen"):
            # What a proxy has let through; for tests alone.
            self._json({"path": self.path, "headers": dict(self.headers)})
        else:
            self._send(404, b'{"error":"Not Found"}')

    def do_POST(self) -> None:
        """Answer chat completions."""
        time.sleep(float(self.server.script["answer_s"]))
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        if not self._has_key():
            self._send(401, b'{"error":"Unauthorized"}')
        elif body.get("priority") and self.server.arguments.scheduling_policy == "fcfs":
            self._send(400, b'{"error":{"message":"Got priority but not priority scheduling"}}')
        elif self.path == "/v1/chat/completions":
            with self._slot(int(body.get("priority", 0))):
                self._chat(body)
        elif self.path in ("/v1/embeddings", "/v1/rerank"):
            with self._slot():
                self._vector(body)
        else:
            self._send(404, b'{"error":"Not Found"}')

    @contextlib.contextmanager
    def _slot(self, priority: int = 0) -> Iterator[None]:
        """Wait as long as there are as many requests as an engine of so many slots runs."""
        counters, slots = self.server.counters, self.server.slots
        if slots is not None:
            with counters.lock:
                counters.waiting += 1
            slots.take(priority)
            with counters.lock:
                counters.waiting -= 1
        try:
            yield
        finally:
            if slots is not None:
                slots.give()

    def _vector(self, body: dict[str, object]) -> None:
        """Embed by counting letters; rank by the words that both have."""
        usage = {"prompt_tokens": 1, "completion_tokens": 0, "total_tokens": 1}
        if self.path == "/v1/embeddings":
            text = body["input"]
            vector = [float(text.count(letter)) for letter in "aeiou"]
            self._json({"data": [{"index": 0, "embedding": vector}], "usage": usage})
            return
        words = set(body["query"].split())
        results = [
            {"index": at, "relevance_score": len(words & set(text.split())) / len(words)}
            for at, text in enumerate(body["documents"])
        ]
        self._json({"results": results, "usage": usage})

    def _ordered(self, text: str, body: dict[str, object]) -> tuple[str, str]:
        """Return what to say and how to end: as a message orders, ``[[say:…]]``, else its text.

        Of several orders to say something, each is for one more ask of the same row.
        ``[[end:WORD]]`` gives the reason of the end, ``[[status:N]]`` refuses, ``[[die]]`` ends
        this engine.
        """
        if "[[die]]" in text:
            os.kill(os.getpid(), signal.SIGKILL)
        orders = re.findall(r"\[\[say:(.*?)\]\]", _text(body["messages"][0]), re.DOTALL)
        asked = sum(message["role"] == "assistant" for message in body["messages"])
        choices = (body.get("structured_outputs") or {}).get("choice")
        usual = f"{self.server.script['accent']}: {text}"
        said = orders[min(asked, len(orders) - 1)] if orders else usual
        schema = ((body.get("response_format") or {}).get("json_schema") or {}).get("schema")
        if choices and not orders:
            said = choices[len(text) % len(choices)]
        if schema and not orders:
            said = json.dumps(_instance(schema))
        end = re.search(r"\[\[end:(\w+)\]\]", text)
        return said, end[1] if end else "stop"

    def _chat(self, body: dict[str, object]) -> None:
        counters, began = self.server.counters, time.monotonic()
        with counters.lock:
            counters.running += 1
            counters.http += 1
        messages = body["messages"]
        text = _text(messages[-1])
        refused = re.search(r"\[\[status:(\d+)\]\]", text)
        if refused or len(text) > int(self.server.script["longest"]):
            found = f"maximum context length is 512 tokens, you requested {len(text)} tokens"
            found, status = ("as ordered", int(refused[1])) if refused else (found, 400)
            with counters.lock:
                counters.running -= 1
            self._send(status, json.dumps({"error": {"message": found}}).encode())
            return
        course.wait_at("answer", self.server.script)
        said, self.end = self._ordered(text, body)
        if self.server.script["asked"]:
            with counters.lock, Path(self.server.script["asked"]).open("a") as file:
                file.write(json.dumps(text) + "\n")
        words = said.split(" ")
        if body.get("ignore_eos"):
            # As vLLM: it goes on up to the length that is asked for.
            words = [words[at % len(words)] for at in range(int(body["max_tokens"]))]
        try:
            self._think()
            with counters.lock:
                counters.first_token_s.append(time.monotonic() - began)
            self._stream(body, words) if body.get("stream") else self._reply(body, words)
            with counters.lock:
                counters.finished += 1
                counters.prompt += _tokens(messages)
                counters.generated += len(words)
        finally:
            with counters.lock:
                counters.running -= 1

    def _think(self, words: int = 1) -> None:
        """Take as long as so many words do, with as many requests as run now."""
        script = self.server.script
        others = self.server.counters.running - 1
        time.sleep(words * (float(script["token_s"]) + others * float(script["slower_s"])))

    def _reply(self, body: dict[str, object], words: list[str]) -> None:
        self._think(len(words) - 1)
        choice = {
            "index": 0,
            "finish_reason": self.end,
            "message": {"role": "assistant", "content": " ".join(words)},
        }
        usage = _usage(body, words)
        self._json(
            {
                "id": "fake",
                "object": "chat.completion",
                "created": 0,
                "model": body["model"],
                "choices": [choice],
                "usage": usage,
            }
        )

    def _stream(self, body: dict[str, object], words: list[str]) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for position, word in enumerate(words):
            if position == self.server.script["die_after"]:
                os.kill(os.getpid(), signal.SIGKILL)
            if position == 1:
                course.wait_at("reply", self.server.script)
            if not self._has_key():
                # As the guard does: a key that is taken back ends the reply under way.
                self._chunk(b"")
                return
            self._event(
                body, {"role": "assistant", "content": word if position == 0 else " " + word}
            )
            self._think()
        self._event(body, {}, "stop")
        self._event(body, None, usage=_usage(body, words))
        self._chunk(b"data: [DONE]\n\n")
        self._chunk(b"")

    def _event(
        self,
        body: dict[str, object],
        delta: object,
        reason: str | None = None,
        usage: object = None,
    ) -> None:
        choices = [] if delta is None else [{"index": 0, "delta": delta, "finish_reason": reason}]
        event = {
            "id": "fake",
            "object": "chat.completion.chunk",
            "created": 0,
            "model": body["model"],
            "choices": choices,
            "usage": usage,
        }
        self._chunk(f"data: {json.dumps(event)}\n\n".encode())

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%b\r\n" % (len(data), data))
        self.wfile.flush()

    def _has_key(self) -> bool:
        if "VLLM_API_KEY" not in os.environ:
            return True
        given = self.headers.get("Authorization", "").encode()
        return self.server.keys.owns(given) or self.server.keys.invites(given)

    def _json(self, value: object) -> None:
        self._send(200, json.dumps(value).encode(), "application/json")

    def _send(self, status: int, body: bytes, kind: str = "application/json") -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay silent: the real engine's access log is not what the tests look at."""


def _tokens(messages: list[dict[str, str]]) -> int:
    return sum(len(_text(message).split()) for message in messages)


def _text(message: dict[str, object]) -> str:
    """Return a message as text; a picture is the beginning of its address."""
    parts = message["content"]
    if isinstance(parts, str):
        return parts
    return " ".join(
        part["text"] if part["type"] == "text" else part["image_url"]["url"][:30] for part in parts
    )


def _instance(schema: dict[str, object]) -> object:
    """Return the least that a schema of plain fields allows."""
    if "enum" in schema:
        return schema["enum"][0]
    if schema.get("type") == "object":
        fields = schema.get("properties", {})
        return {name: _instance(fields[name]) for name in schema.get("required", fields)}
    return {"integer": schema.get("minimum", 0), "array": []}.get(schema.get("type"), "text")


def _usage(body: dict[str, object], words: list[str]) -> dict[str, int]:
    prompt = _tokens(body["messages"])
    return {
        "prompt_tokens": prompt,
        "completion_tokens": len(words),
        "total_tokens": prompt + len(words),
    }


def main() -> None:
    """Serve until told to end."""
    script = json.loads(os.environ["AIM_FAKE_ENGINE"])
    arguments = make_arg_parser(ArgumentParser()).parse_args()
    course.wait_at("bind", script)
    try:
        server = Server(arguments, script)
    except OSError as error:
        # Python prints the same as the last line of the traceback that vLLM ends with.
        sys.exit(f"OSError: {error}")
    children = [
        subprocess.Popen([sys.executable, "-c", "import time; time.sleep(3600)"])
        for _ in range(int(script["children"]))
    ]

    def on_term(*_: object) -> None:
        if not script["ignore_term"]:
            threading.Thread(target=drain, daemon=True).start()

    def drain() -> None:
        end = time.monotonic() + arguments.shutdown_timeout
        while server.counters.running and time.monotonic() < end:
            time.sleep(0.02)
        server.shutdown()

    signal.signal(signal.SIGTERM, on_term)
    if script["beat_s"]:
        course.start(course.beat, float(script["beat_s"]))
    if script["frail"]:
        course.start(course.mourn, children)
    try:
        course.come_up(arguments, script)
        server.server_activate()
        if script["crash_after_s"] is not None:
            course.start(course.crash, float(script["crash_after_s"]), int(script["exit_code"]))
        server.serve_forever(poll_interval=0.05)
    finally:
        for child in children:
            child.terminate()
            child.wait()


if __name__ == "__main__":
    main()
