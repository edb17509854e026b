"""A small stand-in for the Hugging Face Hub, on loopback: what a download asks of it.

It speaks the Hub's protocol: facts and trees of repositories, ``resolve`` with ETag and
``X-Repo-Commit``; a large file has ``X-Linked-Size`` and ``X-Linked-Etag`` there and is redirected
to a store, which knows ranges. A blob's name is what the Hub's is: git's SHA-1, or the SHA-256 of a
file in large-file storage.

The same files are had in two other ways: as a folder of a web server with a list of hashes, and as
ModelScope has them.
"""

from __future__ import annotations

import hashlib
import json
import re
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qs, quote, unquote, urlsplit

#: Bytes from which on a file is kept in large-file storage.
LARGE = 100_000
COMMIT = "0123456789abcdef0123456789abcdef01234567"
_BLOCK = 1 << 16


class Fault(NamedTuple):
    """What goes wrong with the body of a large file.

    Attributes
    ----------
    kind : str
        ``break`` closes the connection within the body, ``short`` sends less than all and says so,
        ``wrong`` changes a byte, ``stall`` sends no more, or the store answers a status ``500``.
    times : int
        So often, then it goes well.
    at : float
        Within a body, after this share of it.
    """

    kind: str
    times: int = 1
    at: float = 0.5


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
        self.cookies: set[str] = set()
        #: Bytes of bodies that were sent, of each file.
        self.served: Counter[str] = Counter()
        #: Where each request for a file's body began.
        self.ranges: defaultdict[str, list[int]] = defaultdict(list)
        #: What goes wrong next with a file's body.
        self.faults: dict[str, Fault] = {}
        #: Seconds between two blocks of a body: downloads can be watched, and killed.
        self.pause_s = 0.0
        #: Whether the second half of a large file never comes.
        self.hold = False
        #: What is said in the place of facts (``"facts"``) and lists (``"tree"``), with headers.
        self.said: dict[str, tuple[bytes, dict[str, str]]] = {}
        self.over = threading.Event()
        self.lock = threading.Lock()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def fault(self, name: str) -> Fault | None:
        """Take one of a file's faults."""
        with self.lock:
            fault = self.faults.get(name)
            if fault is None or fault.times <= 0:
                return None
            self.faults[name] = fault._replace(times=fault.times - 1)
            return fault

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
        self.server.cookies.add(self.headers.get("Cookie", ""))
        if path.startswith("api/models/"):
            self._facts(path.removeprefix("api/models/"))
        elif path.startswith("api/v1/models/"):
            self._modelscope(path.removeprefix("api/v1/models/"), body=body)
        elif path.startswith("folder/"):
            self._folder(path.removeprefix("folder/"), body=body)
        elif path.startswith("store/"):
            repo, _, name = path.removeprefix("store/").partition("/-/")
            data = self.server.repos[repo][name]
            self._send(data, {"ETag": '"of the store"'}, body=body, name=name, repo=repo)
        else:
            self._file(path, body=body)

    def _folder(self, path: str, *, body: bool) -> None:
        org, model, name = path.split("/", 2)
        files = self.server.repos.get(f"{org}/{model}", {})
        sums = "".join(
            f"{hashlib.sha256(data).hexdigest()}  {each}\n" for each, data in files.items()
        )
        data = sums.encode() if name == "SHA256SUMS" and files else files.get(name)
        if self._troubled("files", f"{org}/{model}"):
            return
        if data is None:
            self._say(404)
        else:
            self._send(data, {}, body=body, name=name)

    def _modelscope(self, path: str, *, body: bool) -> None:
        repo, _, rest = path.partition("/repo")
        asked = parse_qs(urlsplit(self.path).query)
        files = self.server.repos.get(repo)
        if self._troubled("api", repo):
            return
        if files is None:
            self._say(404)
        elif rest == "/files":
            listed = [
                {
                    "Path": name,
                    "Name": name.rpartition("/")[2],
                    "Type": "blob",
                    "Size": len(data),
                    "Sha256": hashlib.sha256(data).hexdigest(),
                }
                for name, data in files.items()
            ]
            self._json({"Code": 200, "Success": True, "Data": {"Files": listed}})
        else:
            (name,) = asked["FilePath"]
            self._send(files[name], {}, body=body, name=name)

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
        elif (kind := "tree" if tree else "facts") in self.server.said:
            data, headers = self.server.said[kind]
            self._send(data, {"Content-Type": "application/json", **headers}, body=True)
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
        headers = {"X-Repo-Commit": COMMIT}
        if len(data) <= LARGE:
            headers |= {"ETag": f'"{etag(data)}"'}
            self._send(data, headers, body=body, name=name, repo=repo)
            return
        pointer = hashlib.sha1(_pointer(data)).hexdigest()
        headers |= {
            "ETag": f'"{pointer}"',
            "X-Linked-Etag": f'"{etag(data)}"',
            "X-Linked-Size": str(len(data)),
            "Location": f"{self.server.url}/store/{quote(repo)}/-/{quote(name)}?Signature=x",
        }
        self.send_response(302)
        for header, value in {**headers, "Content-Length": "0"}.items():
            self.send_header(header, value)
        self.end_headers()

    def _troubled(self, what: str, repo: str) -> bool:
        status, code = self.server.trouble.get((what, repo), (0, ""))
        if status:
            self._say(status, code)
        elif what == "api" and (what, repo) in self.server.trouble:
            self.close_connection = True
            return True
        return bool(status)

    def _say(self, status: int, code: str = "") -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
            self.send_header("X-Error-Message", "the Hub's own words")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _json(self, value: object) -> None:
        self._send(json.dumps(value).encode(), {"Content-Type": "application/json"}, body=True)

    def _send(
        self, data: bytes, headers: dict[str, str], *, body: bool, name: str = "", repo: str = ""
    ) -> None:
        began = self._range(len(data))
        if began is None:
            self._say(416)
            return
        if body and name:
            self.server.ranges[name].append(began)
        part = data[began : self._end()]
        fault = self.server.fault(name) if body and name else None
        if ("files", repo) in self.server.trouble and body:
            fault = Fault("break")
        if fault and fault.kind.isdigit():
            self._say(int(fault.kind))
            return
        stays = int(len(part) * fault.at) if fault else len(part)
        told = stays if fault and fault.kind == "short" else len(part)
        self.send_response(206 if "Range" in self.headers else 200)
        facts = {**headers, "Content-Length": str(told), "Accept-Ranges": "bytes"}
        if "Range" in self.headers:
            facts["Content-Range"] = f"bytes {began}-{began + len(part) - 1}/{len(data)}"
        for header, value in facts.items():
            self.send_header(header, value)
        self.end_headers()
        if body:
            self._body(part, name, stays, fault)

    def _body(self, part: bytes, name: str, stays: int, fault: Fault | None) -> None:
        if self.server.hold and len(part) > LARGE:
            self._blocks(part[: len(part) // 2], name)
            self.server.over.wait()
        elif fault is None:
            self._blocks(part, name)
        elif fault.kind == "wrong":
            changed = bytearray(part)
            changed[stays] ^= 0xFF
            self._blocks(bytes(changed), name)
        else:
            self._blocks(part[:stays], name)
            if fault.kind == "stall":
                self.server.over.wait()
            self.close_connection = fault.kind != "short"

    def _blocks(self, part: bytes, name: str) -> None:
        for at in range(0, len(part), _BLOCK):
            block = part[at : at + _BLOCK]
            self.wfile.write(block)
            with self.server.lock:
                if name:
                    self.server.served[name] += len(block)
            if self.server.pause_s:
                self.server.over.wait(self.server.pause_s)

    def _range(self, size: int) -> int | None:
        """Return where a range begins, None where there is nothing of it."""
        found = re.fullmatch(r"bytes=(\d+)-\d*", self.headers.get("Range", "bytes=0-"))
        began = int(found[1]) if found else 0
        return began if began < size or size == began == 0 else None

    def _end(self) -> int | None:
        """Return where a range ends, None for the end of the file."""
        last = self.headers.get("Range", "").rpartition("-")[2]
        return int(last) + 1 if last else None

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def etag(data: bytes) -> str:
    """Return what the Hub calls a content."""
    if len(data) > LARGE:
        return hashlib.sha256(data).hexdigest()
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


def _pointer(data: bytes) -> bytes:
    oid = hashlib.sha256(data).hexdigest()
    return (
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {len(data)}\n".encode()
    )


def _entry(name: str, data: bytes) -> dict[str, object]:
    facts: dict[str, object] = {"type": "file", "path": name, "size": len(data), "oid": etag(data)}
    if len(data) > LARGE:
        pointer = _pointer(data)
        facts["oid"] = hashlib.sha1(b"blob %d\0" % len(pointer) + pointer).hexdigest()
        facts["lfs"] = {"oid": etag(data), "size": len(data), "pointerSize": len(pointer)}
    return facts


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


def weights(size: int) -> bytes:
    """Return a file of weights with one tensor of `size` bytes."""
    tensor = {"a": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}}
    header = json.dumps(tensor).encode()
    return len(header).to_bytes(8, "little") + header + bytes(size)


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
        "model.safetensors": weights(300_000),
        "README.md": b"not needed",
        "original/consolidated.00.pth": bytes(1000),
        **more,
    }
