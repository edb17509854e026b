"""A small stand-in for the Hugging Face Hub, on loopback: what a download asks of it."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote

LARGE = 100_000
COMMIT = "0123456789abcdef0123456789abcdef01234567"


class Hub(ThreadingHTTPServer):
    """Serves the files of `repos` and does otherwise what `trouble` says of a repository.

    A trouble is a status with the Hub's ``X-Error-Code`` for it, for the facts of a repository
    (``"api"``) or for its files (``"files"``); the status 0 breaks the connection half-way.
    """

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.repos: dict[str, dict[str, bytes]] = {}
        self.trouble: dict[tuple[str, str], tuple[int, str]] = {}
        self.asked: list[str] = []
        #: Whether the second half of a large file never comes.
        self.hold = False
        self.over = threading.Event()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, *_: object) -> None:
        """Say nothing of clients that leave."""


class _Handler(BaseHTTPRequestHandler):
    server: Hub
    protocol_version = "HTTP/1.1"

    def do_HEAD(self) -> None:
        self._answer(body=False)

    def do_GET(self) -> None:
        self._answer(body=True)

    def _answer(self, *, body: bool) -> None:
        path = unquote(self.path.partition("?")[0]).strip("/")
        self.server.asked.append(f"{self.command} {path}")
        if path.startswith("api/models/"):
            self._facts(path.removeprefix("api/models/"))
        else:
            self._file(path, body=body)

    def _facts(self, path: str) -> None:
        repo, tree, revision = path.partition("/tree/")
        if not tree:
            repo, _, revision = path.partition("/revision/")
        if self._troubled("api", repo):
            return
        files = self.server.repos.get(repo)
        if files is None:
            self._say(404, "RepoNotFound")
        elif revision not in ("", "main", COMMIT):
            self._say(404, "RevisionNotFound")
        elif tree:
            self._json([_entry(name, data) for name, data in files.items()])
        else:
            siblings = [{"rfilename": name, "size": len(data)} for name, data in files.items()]
            facts = {"id": repo, "modelId": repo, "sha": COMMIT, "siblings": siblings, "tags": []}
            self._json(facts)

    def _file(self, path: str, *, body: bool) -> None:
        repo, _, rest = path.partition("/resolve/")
        name = rest.partition("/")[2]
        if self._troubled("files", repo):
            return
        data = self.server.repos.get(repo, {}).get(name)
        if data is None:
            self._say(404, "EntryNotFound" if repo in self.server.repos else "RepoNotFound")
            return
        headers = {"ETag": f'"{_entry(name, data)["oid"]}"', "X-Repo-Commit": COMMIT}
        self._send(data, headers, body=body, cut=("files", repo) in self.server.trouble)

    def _troubled(self, what: str, repo: str) -> bool:
        status, code = self.server.trouble.get((what, repo), (0, ""))
        if status:
            self._say(status, code)
        elif what == "api" and (what, repo) in self.server.trouble:
            self.close_connection = True
            return True
        return bool(status)

    def _say(self, status: int, code: str) -> None:
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("X-Error-Message", "the Hub's own words")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _json(self, value: object) -> None:
        self._send(json.dumps(value).encode(), {"Content-Type": "application/json"}, body=True)

    def _send(self, data: bytes, headers: dict[str, str], *, body: bool, cut: bool = False) -> None:
        self.send_response(200)
        for name, value in {**headers, "Content-Length": str(len(data))}.items():
            self.send_header(name, value)
        self.end_headers()
        if body and self.server.hold and len(data) > LARGE:
            self.wfile.write(data[: len(data) // 2])
            self.wfile.flush()
            self.server.over.wait()
        elif body:
            self.wfile.write(data[: len(data) // 2] if cut else data)
            self.close_connection = cut

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _entry(name: str, data: bytes) -> dict[str, object]:
    oid = hashlib.sha1(data).hexdigest()
    return {"type": "file", "path": name, "size": len(data), "oid": oid}


@contextmanager
def running_hub() -> Iterator[Hub]:
    """Run a Hub until the end of the block."""
    with Hub() as hub:
        thread = threading.Thread(target=hub.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield hub
        finally:
            hub.over.set()
            hub.shutdown()
            thread.join()


def model_files(**more: bytes) -> dict[str, bytes]:
    """Return the files of a small model, as far as anything looks into them before the engine."""
    config = {
        "architectures": ["Qwen3ForCausalLM"],
        "model_type": "qwen3",
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "vocab_size": 512,
        "max_position_embeddings": 2048,
        "torch_dtype": "bfloat16",
        "tie_word_embeddings": True,
    }
    return {
        "config.json": json.dumps(config).encode(),
        "tokenizer.json": b"{}",
        "model.safetensors": bytes(300_000),
        "README.md": b"not needed",
        "original/consolidated.00.pth": bytes(1000),
        **more,
    }
