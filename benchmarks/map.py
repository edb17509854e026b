"""Measure a map: its share of ``vllm bench serve`` on the real vLLM, and what its client costs.

    .venv/bin/python benchmarks/map.py            # both
    .venv/bin/python benchmarks/map.py --cost     # only the client's cost, with the fake engine

Baselines: for throughput vLLM's own bench in its engine's environment, at each of a few
concurrencies, with rows of the same length, in rounds that alternate with the map's; for cost the
CPU time of this process over the rows, and the peak of its memory over ten times as many rows.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from _smoke import size

import aim_jupyter as aim
from aim_jupyter.testing import Script, fake_engine
from aim_jupyter.verbs.server import Server
from aim_jupyter.work.map.mapping import Map

MODEL = os.environ.get("AIM_BENCH_MODEL", "demo")
ROWS, ROUNDS = size((128, 3), (8, 1))
AT_ONCE = size((16, 32, 64), (4,))
WORDS, OUT = 60, 8
SLOTS = 32
#: ``vllm bench serve`` without the `vllm` command, which wants metadata that a build may lack.
BENCH = """
import argparse
from vllm.benchmarks import serve
parser = argparse.ArgumentParser()
serve.add_cli_args(parser)
serve.main(parser.parse_args())
"""
COST_ROWS = size(5_000, 50)


class Rows:
    """Rows that are made when they are asked for: a table of any length in no memory."""

    columns = ("text",)

    def __init__(self, count: int, seed: int) -> None:
        self.count, self.seed = count, seed

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield them."""
        for at in range(self.count):
            yield {"text": f"{self.seed} {at} " + "word " * WORDS}


def mapped(rows: Any, **sampling: Any) -> float:
    """Map rows and return how many a second."""
    made = Map(rows, "Say it. {text}", sampling=sampling)
    began = time.perf_counter()
    run = made.do(force=True)
    assert run.done + run.failed == run.rows, run
    return run.rows / (time.perf_counter() - began)


def bench(server: Server, tokens_in: int, at_once: int) -> float:
    """Return how many rows a second vLLM's own bench gets."""
    plan = server.view.record.plan
    out = Path(tempfile.mkdtemp()) / "bench.json"
    told = ["--random-input-len", tokens_in, "--random-output-len", OUT, "--num-prompts", ROWS]
    command = [
        *(plan.argv[0], "-c", BENCH),
        *("--backend", "openai-chat", "--endpoint", "/v1/chat/completions"),
        *("--base-url", server.base_url.removesuffix("/v1"), "--model", plan.model),
        *("--tokenizer", plan.model_path, "--dataset-name", "random", "--ignore-eos"),
        *("--max-concurrency", at_once, "--temperature", 0, *told),
        *("--save-result", "--result-filename", out),
    ]
    env = {**os.environ, "OPENAI_API_KEY": server.api_key}
    subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL, env=env)
    return float(json.loads(out.read_text())["request_throughput"])


def throughput() -> None:
    options: Any = {"max-model-len": 2048, "dtype": "float32"} if MODEL != "demo" else {}
    server = aim.launch(MODEL, options=options, name="bench-map").wait()
    try:
        mapped(list(Rows(8, 0).rows()), max_tokens=OUT, ignore_eos=True)
        tokens = aim.run().record
        each = round(tokens.tokens_in / tokens.rows)
        ratios = []
        for number in range(1, ROUNDS + 1):
            best = max(bench(server, each, at_once) for at_once in AT_ONCE)
            ours = mapped(list(Rows(ROWS, number).rows()), max_tokens=OUT, ignore_eos=True)
            ratios.append(ours / best)
            print(f"round {number}: bench at its best {best:.2f} rows/s, map {ours:.2f} rows/s")
        print(
            f"map / bench: {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"
        )
    finally:
        server.stop()


def cost() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["AIM_ENGINE_PYTHON"] = str(
            fake_engine(Path(folder), Script(token_s=0.001, slots=SLOTS))
        )
        server = aim.launch("demo", name="bench-cost").wait()
        try:
            for count in (COST_ROWS, 4 * COST_ROWS):
                made = Map(list(Rows(count, 9).rows()), "Say it. {text}")
                made.write_down()
                cpu, began = time.process_time(), time.perf_counter()
                run = made.do(force=True)
                cpu, took = time.process_time() - cpu, time.perf_counter() - began
                peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
                print(
                    f"{run.rows:,} rows: {run.rows / took:.0f} rows/s,"
                    f" {1e6 * cpu / run.rows:.0f} us of CPU a row, {100 * cpu / took:.1f} % of a"
                    f" core; peak {peak:.0f} MiB"
                )
        finally:
            server.stop()
            del os.environ["AIM_ENGINE_PYTHON"]


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as state:
        os.environ["AIM_STATE_DIR"] = state
        cost()
        if size(True, False) and "--cost" not in sys.argv:  # noqa: FBT003 - vLLM's own bench wants the engine
            throughput()
