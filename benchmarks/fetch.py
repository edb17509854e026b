"""Time the download of a model: ours, verified, against curl with a range, of the same file.

    .venv/bin/python benchmarks/fetch.py

Baseline: ``curl --range 0-`` of the weights alone from the same server on loopback, in turns; and
the same followed by ``sha256sum``, which does what ours has done by then. Ours is the child that a
launch starts, from a folder of a web server: from its beginning, imports and all, to its end, and
the transfer alone, from the first byte to the last, which is on the disk then. Memory is the
child's largest, as the kernel has it.
"""

from __future__ import annotations

import hashlib
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from _smoke import size

from tests.hub import model_files

BYTES = size(1 << 30, 1 << 22)
ROUNDS = size(5, 1)
WEIGHTS = "model.safetensors"
#: Runs a download here and says how long the bytes took: what imports took is seen by the clock.
_CHILD = """
import sys, time
from aim_jupyter.core.cache import fetching, transfer
began = []
real = transfer._Sink.write
def write(sink, block):
    began or began.append(time.monotonic())
    return real(sink, block)
transfer._Sink.write = write
code = fetching.main(*sys.argv[1:])
print(time.monotonic() - began[0])
sys.exit(code)
"""


class _Handler(BaseHTTPRequestHandler):
    """Sends files by the kernel alone."""

    protocol_version = "HTTP/1.1"
    root: Path

    def do_HEAD(self) -> None:
        self._send(body=False)

    def do_GET(self) -> None:
        self._send(body=True)

    def _send(self, *, body: bool) -> None:
        with (self.root / self.path.lstrip("/")).open("rb") as file:
            whole = os.fstat(file.fileno()).st_size
            begin = int(self.headers.get("Range", "bytes=0-")[6:].partition("-")[0])
            self.send_response(206 if "Range" in self.headers else 200)
            self.send_header("Content-Length", str(whole - begin))
            self.send_header("Content-Range", f"bytes {begin}-{whole - 1}/{whole}")
            self.end_headers()
            self.wfile.flush()
            while body and begin < whole:
                begin += os.sendfile(self.connection.fileno(), file.fileno(), begin, 1 << 22)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def prepared(root: Path) -> None:
    """Write a model of so many bytes, with its hashes."""
    files = {name: data for name, data in model_files().items() if "/" not in name}
    for name, data in files.items():
        (root / name).write_bytes(data)
    with (root / WEIGHTS).open("wb") as file:
        for _ in range(BYTES >> 20):
            file.write(os.urandom(1 << 20))
    sums = []
    for name in files:
        with (root / name).open("rb") as file:
            sums.append(f"{hashlib.file_digest(file, 'sha256').hexdigest()}  {name}\n")
    (root / "SHA256SUMS").write_text("".join(sums))


def timed(words: list[str], **how: object) -> tuple[float, str]:
    """Return the seconds that a program takes, and what it says."""
    began = time.monotonic()
    done = subprocess.run(words, check=True, capture_output=True, text=True, **how)  # type: ignore[call-overload]
    return time.monotonic() - began, done.stdout


def rounds(url: str, folder: Path) -> dict[str, list[float]]:
    """Return the seconds of each way, each once in a round."""
    took: dict[str, list[float]] = {
        name: [] for name in ("curl", "curl, sha256sum", "ours", "ours, the bytes alone")
    }
    for _ in range(ROUNDS):
        file = str(folder / "curl")
        seconds, _ = timed(["curl", "-sS", "--range", "0-", "-o", file, f"{url}/{WEIGHTS}"])
        took["curl"].append(seconds)
        took["curl, sha256sum"].append(seconds + timed(["sha256sum", file])[0])
        Path(file).unlink()
        cache = folder / "cache"
        seconds, said = timed(
            [sys.executable, "-c", _CHILD, url, "", str(folder / "report.json")],
            env={**os.environ, "AIM_CACHE_DIR": str(cache)},
        )
        took["ours"].append(seconds)
        took["ours, the bytes alone"].append(float(said))
        shutil.rmtree(cache)
    return took


def main() -> None:
    """Print rates, ratios and memory."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder, "served")
        root.mkdir()
        prepared(root)
        _Handler.root = root
        with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            took = rounds(f"http://127.0.0.1:{server.server_port}", Path(folder))
            server.shutdown()
            thread.join()
    base = statistics.median(took["curl"])
    print(f"{BYTES >> 20:,} MiB, {ROUNDS} rounds in turns\n")
    print("| | median s | min | max | of curl's rate |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name, each in took.items():
        middle = statistics.median(each)
        print(
            f"| {name} | {middle:.2f} | {min(each):.2f} | {max(each):.2f} | {base / middle:.2f} |"
        )
    # Of all children the largest: curl and sha256sum have less.
    most = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    print(f"\nOurs had {most / 1000:.0f} MB at most.")


if __name__ == "__main__":
    main()
