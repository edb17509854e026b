"""An engine that repeats what it hears: as small as a server can be that behaves as one should."""

import argparse
import json
import os
import signal
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

__version__ = "1.0"
WIDEST = 4096


def parser():
    options = argparse.ArgumentParser("echo")
    for name in ("--model", "--served-as", "--host", "--socket"):
        options.add_argument(name, default="")
    options.add_argument("--port", type=int, default=0)
    options.add_argument("--window", type=int, default=1024)
    options.add_argument("--pause", type=float, default=0.01, help="seconds between two words")
    options.add_argument("--no-cache", action="store_true")
    return options


class Server(ThreadingHTTPServer):
    daemon_threads = False  # `server_close` waits for the requests that run
    running = read = said = done = 0
    lock = threading.Lock()

    def __init__(self, options):
        self.options = options
        self.keys = None
        if "AIM_KEY_VARIABLE" in os.environ:
            import aim_guard  # noqa: PLC0415 - aim_jupyter's, on the path of every engine

            self.keys = aim_guard.Keys()
        place = (options.host, options.port)
        if options.socket:
            self.address_family, place = socket.AF_UNIX, options.socket
        super().__init__(place, Handler)

    def server_bind(self):
        if self.options.socket:
            self.socket.bind(self.server_address)
        else:
            super().server_bind()

    def allows(self, path, given):
        if path == "/alive" or self.keys is None:
            return True
        return self.keys.owns(given) or self.keys.invites(given)

    def metrics(self):
        series = {
            ("gauge", "echo_running"): self.running,
            ("gauge", "echo_waiting"): 0,
            ("counter", "echo_words_read_total"): self.read,
            ("counter", "echo_words_said_total"): self.said,
            ("counter", "echo_requests_total"): self.done,
        }
        text = "".join(f"# TYPE {n} {kind}\n{n} {value}\n" for (kind, n), value in series.items())
        name = "echo_first_word_seconds"
        buckets = "".join(f'{name}_bucket{{le="{le}"}} {self.done}\n' for le in ("0.1", "+Inf"))
        return f"{text}# TYPE {name} histogram\n{buckets}{name}_sum 0\n{name}_count {self.done}\n"


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        if not self.server.allows(self.path, self.headers.get("Authorization", "").encode()):
            self.answer(401, {"error": "this server wants its key"})
        elif self.path == "/alive":
            self.answer(200, {})
        elif self.path == "/metrics":
            self.send(200, self.server.metrics().encode(), "text/plain")
        elif self.path == "/v1/models":
            self.answer(200, {"object": "list", "data": [{"id": self.server.options.served_as}]})
        else:
            self.answer(404, {"error": "no such route"})

    def do_POST(self):
        asked = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        if not self.server.allows(self.path, self.headers.get("Authorization", "").encode()):
            self.answer(401, {"error": "this server wants its key"})
        elif self.path != "/v1/chat/completions":
            self.answer(404, {"error": "no such route"})
        else:
            words = asked["messages"][-1]["content"].split()
            with self.server.lock:
                self.server.running += 1
            try:
                self.chat(asked, words)
            finally:
                with self.server.lock:
                    self.server.running -= 1
                    self.server.done += 1
                    self.server.read += len(words)
                    self.server.said += len(words)

    def chat(self, asked, words):
        head = {"id": "echo", "created": 0, "model": asked["model"]}
        counts = {"prompt_tokens": len(words), "completion_tokens": len(words)}
        usage = {**counts, "total_tokens": 2 * len(words)}
        if not asked.get("stream"):
            time.sleep(self.server.options.pause * len(words))
            message = {"role": "assistant", "content": " ".join(words)}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            whole = {"object": "chat.completion", "choices": [choice], "usage": usage}
            self.answer(200, {**head, **whole})
            return
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.end_headers()
        part = {**head, "object": "chat.completion.chunk"}
        for at, word in enumerate(words):
            delta = {"role": "assistant", "content": f" {word}" if at else word}
            ends = "stop" if at == len(words) - 1 else None
            self.event({**part, "choices": [{"index": 0, "delta": delta, "finish_reason": ends}]})
            time.sleep(self.server.options.pause)
        self.event({**part, "choices": [], "usage": usage})
        self.wfile.write(b"data: [DONE]\n\n")

    def event(self, value):
        self.wfile.write(f"data: {json.dumps(value)}\n\n".encode())
        self.wfile.flush()

    def answer(self, status, value):
        self.send(status, json.dumps(value).encode(), "application/json")

    def send(self, status, body, kind):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def say(text):
    print(f"echo[{os.getpid()}]: {text}", flush=True)


def main():
    options = parser().parse_args()
    say(f"Echo {__version__} starts")
    if options.window > WIDEST:
        say(f"a window of {options.window} tokens is too wide, at most {WIDEST}")
        sys.exit(2)
    say(f"read 1 of 1 files, {options.window} tokens")
    server = Server(options)
    ask = threading.Thread(target=server.shutdown, daemon=True)
    signal.signal(signal.SIGINT, lambda *_: ask.is_alive() or ask.start())
    server.serve_forever(poll_interval=0.05)
    server.server_close()


if __name__ == "__main__":
    main()
