"""What stands between a client and a real server, and lets go wrong what is asked for.

It passes on what it is asked, and counts the bytes of each file that it sends.
"""

from __future__ import annotations

import http.client
import threading
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

from tests.hub import Fault

_BLOCK = 1 << 16
#: What S3 calls its refusals.
_CODES = {"503": "SlowDown", "301": "PermanentRedirect", "403": "AccessDenied"}


class Between(ThreadingHTTPServer):
    """Passes on to `upstream`; `faults` are of the last part of a path."""

    daemon_threads = True

    def __init__(self, upstream: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.upstream = urlsplit(upstream).netloc
        self.faults: dict[str, Fault] = {}
        self.served: Counter[str] = Counter()
        #: Where each request for a file's body began.
        self.ranges: defaultdict[str, list[int]] = defaultdict(list)
        #: Seconds between two blocks of a body.
        self.pause_s = 0.0
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
    server: Between
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._pass()

    def do_HEAD(self) -> None:
        self._pass()

    def _pass(self) -> None:
        name = unquote(self.path.partition("?")[0]).rpartition("/")[2]
        fault = self.server.fault(name) if self.command == "GET" else None
        if fault and fault.kind.isdigit():
            self._refuse(fault.kind)
            return
        upstream = http.client.HTTPConnection(self.server.upstream)
        upstream.request(self.command, self.path, headers=dict(self.headers))
        answer = upstream.getresponse()
        data = answer.read()
        upstream.close()
        self.send_response(answer.status)
        for header, value in answer.getheaders():
            if header.casefold() not in ("connection", "transfer-encoding", "date", "server"):
                self.send_header(header, value)
        self.end_headers()
        if self.command == "GET":
            began = self.headers.get("Range", "bytes=0-").removeprefix("bytes=").partition("-")[0]
            self.server.ranges[name].append(int(began))
            self._send(name, data, fault)

    def _send(self, name: str, data: bytes, fault: Fault | None) -> None:
        stays = int(len(data) * fault.at) if fault else len(data)
        if fault and fault.kind == "wrong":
            data, stays = data[:stays] + bytes([data[stays] ^ 0xFF]) + data[stays + 1 :], len(data)
        for at in range(0, stays, _BLOCK):
            block = data[at : min(at + _BLOCK, stays)]
            self.wfile.write(block)
            with self.server.lock:
                self.server.served[name] += len(block)
            if self.server.pause_s:
                self.server.over.wait(self.server.pause_s)
        if fault and fault.kind == "stall":
            self.server.over.wait()
        self.close_connection = bool(fault)

    def _refuse(self, status: str) -> None:
        code = _CODES.get(status, "InternalError")
        text = f"<Error><Code>{code}</Code><Region>eu-north-1</Region></Error>".encode()
        self.send_response(int(status))
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def between(upstream: str) -> Iterator[Between]:
    """Stand between clients and `upstream` until the end of the block."""
    with Between(upstream) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield server
        finally:
            server.over.set()
            server.shutdown()
            thread.join()
