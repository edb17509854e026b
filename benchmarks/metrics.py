"""Cost of measuring one server every second, and of reading a day of it as a DataFrame.

    .venv/bin/python benchmarks/metrics.py

Sampling: CPU time of one look, in percent of a core when there is one each second. A thread of the
same process answers with a recorded scrape of vLLM 0.32 (639 lines), whose figures rise from look
to look; its time is taken off. Baseline: the same text read by `prometheus_client`'s parser, all
lines, as a scraper without a table of names has to.

History: 25 hours at ten seconds, written by the recorder. Baseline: the same figures from SQLite
(one row a sample, a column each, with an index on time) into the same DataFrame.
"""

from __future__ import annotations

import http.server
import os
import sqlite3
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

import pandas as pd
from _smoke import size
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families

from aim_jupyter.core import adapters, metrics
from aim_jupyter.core.metrics import Recorder, Scrape
from aim_jupyter.core.records import Address
from aim_jupyter.core.serving.state.process import identify, members
from aim_jupyter.core.serving.watch import endpoint, resources
from aim_jupyter.core.serving.watch.health import Health
from aim_jupyter.tables import frames

VLLM = adapters.get("vllm").metrics
RECORDED = Path(__file__).parents[1] / "tests/core/metrics/data/vllm-0.32.prom"
LOOKS, ROUNDS = size((150, 7), (2, 1))
HOURS, STEP_S = size(24, 1), 10
SPAN_S = HOURS * 3600


def cpu_ms(work: Callable[[], object], times: int) -> float:
    """Return the CPU time of one call in this thread, in milliseconds."""
    began = time.thread_time()
    for _ in range(times):
        work()
    return (time.thread_time() - began) * 1000 / times


class Engine(http.server.BaseHTTPRequestHandler):
    """Answers each request with the recorded text, its counters one further."""

    count = 0
    text = RECORDED.read_text()

    def do_GET(self) -> None:
        """Answer."""
        Engine.count += 1
        body = self.text.replace(" 20.0\n", f" {20 + Engine.count}.0\n").encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Stay silent."""


def sampling() -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Engine)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    at = Address(port=server.server_port)
    text = RECORDED.read_text()
    with tempfile.TemporaryDirectory() as folder:
        recorder, health = Recorder(Path(folder)), Health()
        this = identify(os.getpid())
        assert this is not None
        took = resources.Resources(this, (), lambda: members(this))
        clock = iter(range(1_000_000_000, 2_000_000_000))

        def look() -> None:
            now = float(next(clock))
            scrape = metrics.read(endpoint.get(at, "/metrics").body.decode(), now, VLLM)
            figures = scrape.values | took.read(now)  # noqa: PD011 - no DataFrame
            recorder.add(replace(scrape, values=figures))
            health.look({"unanswered_s": 0.0, "temp_c": 50.0, "disk_free_gib": 100.0}, now)

        rows = {
            "prometheus_client reads all lines (baseline)": lambda: list(
                text_string_to_metric_families(text)
            ),
            "ours, an idle engine: no line has changed": lambda: metrics.read(text, 0.0, VLLM),
            "a whole look: fetch, read, resources, history, health": look,
        }
        measured: dict[str, list[float]] = {name: [] for name in rows}
        for _ in range(ROUNDS):
            for name, work in rows.items():
                measured[name].append(cpu_ms(work, LOOKS // ROUNDS))
    server.shutdown()
    base = statistics.median(measured[next(iter(rows))])
    print("\n| once a second | CPU ms | % of a core | ratio |\n| --- | ---: | ---: | ---: |")
    for name, values in measured.items():
        middle = statistics.median(values)
        print(f"| {name} | {middle:.2f} | {middle / 10:.2f} | {middle / base:.2f} |")


def history() -> None:
    scrape = metrics.read(RECORDED.read_text(), 0.0, VLLM)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        recorder = Recorder(folder)
        start = time.time() - SPAN_S
        for step in range(SPAN_S // STEP_S):
            recorder.add(_at(scrape, start + step * STEP_S, step))
        on_disk = sum(file.stat().st_size for file in folder.iterdir())
        base = _sqlite(folder / "x.sqlite", metrics.columns(folder, start - 1))
        rows: dict[str, Callable[[], pd.DataFrame]] = {
            "SQLite, into a DataFrame (baseline)": base,
            "ring file, into a DataFrame": lambda: frames.timeline(
                metrics.columns(folder, start - 1)
            ),
        }
        measured: dict[str, list[float]] = {each: [] for each in rows}
        for _ in range(ROUNDS):
            for each, work in rows.items():
                began = time.perf_counter()
                frame = work()
                measured[each].append(1000 * (time.perf_counter() - began))
                assert len(frame) == SPAN_S // STEP_S
    first = statistics.median(measured[next(iter(rows))])
    head = f"{HOURS} h, {SPAN_S // STEP_S:,} rows"
    print(f"\n| {head} | ms | max | ratio |\n| --- | ---: | ---: | ---: |")
    for each, values in measured.items():
        middle = statistics.median(values)
        print(f"| {each} | {middle:.0f} | {max(values):.0f} | {middle / first:.2f} |")
    print(f"\n{on_disk / 2**20:.1f} MiB on disk in all.")


def _at(scrape: Scrape, at: float, step: int) -> Scrape:
    grown = {"generation_tokens": 100.0 * step, "idle_s": 0.0, "cpu_s": 0.1 * step}
    values = scrape.values | grown  # noqa: PD011 - no DataFrame
    histograms = {
        name: replace(each, total=each.total * (step + 1), count=each.count * (step + 1),
                      buckets={bound: n * (step + 1) for bound, n in each.buckets.items()})
        for name, each in scrape.histograms.items()
    }  # fmt: skip
    return Scrape(at=at, values=values, histograms=histograms)


def _sqlite(file: Path, past: metrics.Columns) -> Callable[[], pd.DataFrame]:
    """Write the same figures into SQLite and return what reads them back."""
    names = list(past.fields)
    with sqlite3.connect(file) as base:
        base.execute(f"create table samples (at real primary key, {', '.join(names)})")
        base.executemany(
            f"insert into samples values ({', '.join('?' * (len(names) + 1))})",
            zip(past.at, *past.fields.values(), strict=True),
        )

    def read() -> pd.DataFrame:
        with sqlite3.connect(file) as base:
            table = pd.read_sql_query("select * from samples order by at", base)
        return table.convert_dtypes().set_index("at")

    return read


if __name__ == "__main__":
    sampling()
    history()
