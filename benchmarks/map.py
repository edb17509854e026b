"""Measure a map: its share of ``vllm bench serve`` on the real vLLM, and what its client costs.

    .venv/bin/python benchmarks/map.py            # both
    .venv/bin/python benchmarks/map.py --cost     # only the client's cost, with the fake engine
    .venv/bin/python benchmarks/map.py --engine   # only the rest, with the real one

Baselines: for throughput vLLM's own bench in its engine's environment, at each of a few
concurrencies, with rows of the same length, in rounds that alternate with the map's; for cost the
CPU time of this process over the rows; for memory a hundredth of the rows.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from _smoke import size

import aim_jupyter as aim
from aim_jupyter.testing import Script, fake_engine
from aim_jupyter.verbs.server import Server
from aim_jupyter.work.map import endpoints, tables
from aim_jupyter.work.map.endpoints import Endpoint
from aim_jupyter.work.map.mapping import Map
from aim_jupyter.work.map.pace import Load
from aim_jupyter.work.map.wire import Reply
from aim_jupyter.work.records import Look, Served

MODEL = os.environ.get("AIM_BENCH_MODEL", "smollm2")
ROWS, ROUNDS = size((160, 3), (8, 1))
AT_ONCE = size((16, 32, 64), (4,))
#: One thread: two that share cores with other programs wait for each other most of the time.
ONE_THREAD = {"OMP_NUM_THREADS": "1", "VLLM_CPU_OMP_THREADS_BIND": "nobind"}
#: Words of a row, and tokens of its answer.
WORDS, OUT = 60, 8
SLOTS = 32
#: ``vllm bench serve`` without the `vllm` command, which wants metadata that a build may lack, and
#: asking the rows of a file: its own data set for that wants pandas in the engine's environment.
BENCH = """
import argparse, json, os
from vllm.benchmarks import serve
from vllm.benchmarks.datasets import SampleRequest
def rows(arguments, tokenizer):
    with open(os.environ["ROWS"]) as file:
        return [
            SampleRequest(prompt=row, prompt_len=tokens, expected_output_len=out)
            for row, tokens, out in json.load(file)
        ]
serve.get_samples = rows
parser = argparse.ArgumentParser()
serve.add_cli_args(parser)
serve.main(parser.parse_args())
"""
#: Words that are one token each in about any vocabulary.
VOCABULARY = re.findall(
    r"\w+",
    "time year people way day man thing woman life child world school state family student group"
    " country problem hand part place case week company system program question work government"
    " number night point home water room mother area money story fact month lot right study book",
)
#: Questions of a person, seconds between two, and rows of a map after which it is under way.
ASKS, PAUSE_S, FULL = 12, 2.0, 32
COST_ROWS = size(5_000, 50)
#: Seconds of a word of the fake engine's, so slow that no client is in the way.
WORD_S = 0.05
FORECAST_ROWS = size(1500, 30)
FLAT_ROWS = size((10_000, 1_000_000), (100,))


class Rows:
    """Rows that are made when they are asked for: a table of any length in no memory."""

    columns = ("text",)

    def __init__(self, count: int, seed: int, words: int = WORDS) -> None:
        self.count, self.seed, self.words = count, seed, words

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield them."""
        drawn = random.Random(self.seed).choices(VOCABULARY, k=7 * self.words)
        for at in range(self.count):
            start = at % (6 * self.words)
            yield {"text": f"{at} {' '.join(drawn[start : start + self.words])}"}

    def joined(self, _: Any, rows: Any, __: Any) -> int:
        """Take the answers one by one, keep none, and return how many there are."""
        return sum(1 for _ in rows)


def mapped(rows: Any, **sampling: Any) -> float:
    """Map rows and return how many a second."""
    made = Map(rows, "{text}", sampling=sampling)
    made.write_down()
    _foretold.clear()
    began = time.perf_counter()
    run = made.do(watched, force=True)
    took = time.perf_counter() - began
    assert run.done + run.failed == run.rows, run
    for left, at in _foretold:
        print(f"left after a tenth of the rows: {left:.0f} s foretold, {took - at:.0f} s it took")
    return run.rows / took


#: When a tenth of the rows was done: the middle of the band of what is left, and when that was.
_foretold: list[tuple[float, float]] = []


def watched(look: Look) -> None:
    """Take down what is foretold after a tenth of the rows, and say what a map does."""
    done = look.run.done + look.run.failed
    if 10 * done >= look.run.rows and look.eta_s is not None and not _foretold:
        _foretold.append((sum(look.eta_s) / 2, look.since_s))
    if "--watch" in sys.argv:
        print(
            f"{look.since_s:6.1f} s {look.run.done + look.run.failed:5} {look.at_once:4} {look.why}"
        )


def bench(server: Server, rows: Rows, tokens_in: int, at_once: int) -> float:
    """Return how many of these rows a second vLLM's own bench gets."""
    plan = server.view.record.plan
    with tempfile.TemporaryDirectory() as folder:
        asked, out = Path(folder) / "rows.json", Path(folder) / "bench.json"
        asked.write_text(json.dumps([[row["text"], tokens_in, OUT] for row in rows.rows()]))
        command = [
            *(plan.argv[0], "-c", BENCH),
            *("--backend", "openai-chat", "--endpoint", "/v1/chat/completions"),
            *("--base-url", server.base_url.removesuffix("/v1"), "--model", plan.model),
            *("--tokenizer", plan.model_path, "--ignore-eos", "--num-prompts", rows.count),
            *("--max-concurrency", at_once, "--temperature", 0),
            *("--save-result", "--result-filename", out),
        ]
        env = {**os.environ, "OPENAI_API_KEY": server.api_key, "ROWS": str(asked)}
        subprocess.run(list(map(str, command)), check=True, stdout=subprocess.DEVNULL, env=env)
        found = json.loads(out.read_text())
    assert found["completed"] == rows.count, found
    assert found["total_output_tokens"] == rows.count * OUT, found
    return float(found["request_throughput"])


def throughput() -> None:
    options: Any = {"max-model-len": 2048, "dtype": "float32"} if MODEL != "demo" else {}
    server = aim.launch(
        MODEL, options=options, name="bench-map", env=ONE_THREAD, start="plain"
    ).wait()
    asked = {"max_tokens": OUT, "ignore_eos": True}
    try:
        mapped(Rows(24, 0), **asked)
        tokens = aim.run().record
        each = round(tokens.tokens_in / tokens.rows)
        print(f"{MODEL}: {each} tokens in, {OUT} out a row, {ROWS} rows a round")
        tried = {at: bench(server, Rows(ROWS // 3, at), each, at) for at in AT_ONCE}
        best = max(tried, key=lambda at: tried[at])
        print("bench by how many at once:", {at: round(rate, 2) for at, rate in tried.items()})
        ratios = []
        for number in range(1, ROUNDS + 1):
            theirs = bench(server, Rows(ROWS, 1000 + number), each, best)
            ours = mapped(Rows(ROWS, 2000 + number), **asked)
            ratios.append(ours / theirs)
            print(f"round {number}: bench {theirs:.2f} rows/s at {best}, map {ours:.2f} rows/s")
        print(
            f"map / bench: {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})"
        )
        first_token(server)
    finally:
        server.stop()


def first_token(server: Server) -> None:
    """Say how long a person waits for a first token, alone and while a map runs."""
    alone = [first_ms(server) for _ in range(ASKS)]
    endless = Map(Rows(100_000, 77), "{text}", sampling={"max_tokens": OUT, "ignore_eos": True})
    folder = endless.begin(force=True)
    try:
        while (look := folder.look()) is None or look.run.failed < 3 * FULL:
            time.sleep(0.5)
        during = []
        for _ in range(ASKS):
            time.sleep(PAUSE_S)
            during.append(first_ms(server))
        ended = folder.look() or look
    finally:
        folder.ask_to_stop()
        while folder.working:
            time.sleep(0.2)
    middle = statistics.median(alone)
    print("first token alone, ms:", [round(each) for each in alone])
    print("while a map runs, ms:", [round(each) for each in during])
    print(
        f"first token with a map / alone: {statistics.median(during) / middle:.2f},"
        f" the first three {[round(each / middle, 1) for each in during[:3]]}; {ended.most} at most"
        f" of the map at once, {ended.at_once} then"
    )


def first_ms(server: Server) -> float:
    """Return the milliseconds to the first token of a short question."""
    text = f"{time.time_ns()}: what is the capital of France?"
    began = time.perf_counter()
    with server.client.chat.completions.create(
        model="default", messages=[{"role": "user", "content": text}], max_tokens=4, stream=True
    ) as stream:
        for event in stream:
            if event.choices and event.choices[0].delta.content:
                return 1000 * (time.perf_counter() - began)
    raise AssertionError("no token")


class Lengths(Rows):
    """Rows whose answers are of so many words, drawn one by one."""

    def __init__(self, count: int, draw: Callable[[random.Random], float]) -> None:
        super().__init__(count, 0)
        self.draw = draw

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield them."""
        random_ = random.Random(3)
        for at in range(self.count):
            yield {"text": f"{at} [[say:{'word ' * max(1, round(self.draw(random_)))}]]"}


def forecast() -> None:
    """Say how right the forecast is after a tenth of the rows, of three kinds of rows."""
    kinds: dict[str, Callable[[random.Random], float]] = {
        "alike": lambda _: 8.0,
        "spread": lambda draw: draw.lognormvariate(1.5, 1.0),
        "a tenth is long": lambda draw: 40.0 if draw.random() < 0.1 else 3.0,
    }
    with tempfile.TemporaryDirectory() as folder:
        script = Script(token_s=WORD_S, slots=SLOTS // 2)
        os.environ["AIM_ENGINE_PYTHON"] = str(fake_engine(Path(folder), script))
        server = aim.launch("demo", name="bench-forecast").wait()
        try:
            for name, draw in kinds.items():
                print(f"rows {name}:", end=" ", flush=True)
                mapped(Lengths(FORECAST_ROWS, draw))
        finally:
            server.stop()
            del os.environ["AIM_ENGINE_PYTHON"]


def cost() -> None:
    with tempfile.TemporaryDirectory() as folder:
        os.environ["AIM_ENGINE_PYTHON"] = str(
            fake_engine(Path(folder), Script(token_s=0.001, slots=SLOTS))
        )
        server = aim.launch("demo", name="bench-cost").wait()
        try:
            for count in (COST_ROWS, 4 * COST_ROWS):
                made = Map(Rows(count, 9), "{text}")
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


class Instant(Endpoint):
    """Answers at once, in this process: so that a million rows take minutes, and memory is ours."""

    BODY = (
        b'{"choices":[{"message":{"content":"yes"},"finish_reason":"stop"}],'
        b'"usage":{"prompt_tokens":9,"completion_tokens":1}}'
    )
    people = None

    def served(self) -> Served:
        """Return what answers."""
        return Served(model="instant")

    async def connected(self) -> Any:
        """Return itself: what is sent to it comes back."""
        self.wire = self  # type: ignore[assignment]
        return self

    async def send(self, *_: object) -> Reply:
        """Answer."""
        await asyncio.sleep(0)
        return Reply(200, self.BODY)

    def give_up(self, _: float) -> None:
        """Nothing is ever late."""

    async def load(self) -> Load | None:
        """Say nothing: the number at once is fixed then."""
        return None

    async def leave(self) -> None:
        """Go."""


def flat() -> None:
    """Say how much memory maps of a file take, each in a process of its own."""
    for count in FLAT_ROWS:
        subprocess.run([sys.executable, __file__, "--rows", str(count)], check=True)


def file_mapped(count: int) -> None:
    """Map a file of so many rows to another and say what it took."""
    endpoints.named = lambda *_, **__: [Instant("instant")]
    with tempfile.TemporaryDirectory() as folder:
        given, out = Path(folder) / "in.jsonl", Path(folder) / "out.jsonl"
        with given.open("w") as file:
            for row in Rows(count, 5).rows():
                file.write(json.dumps(row) + "\n")
        began = time.perf_counter()
        made = Map(tables.File(given, out), "{text}")
        run = made.do(force=True)
        made.out()
        took = time.perf_counter() - began
        with out.open() as file:
            assert sum('"answer":"yes"' in line for line in file) == count == run.done
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{count:,} rows of a file, {took:.0f} s: peak {peak:.0f} MiB", flush=True)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as state:
        os.environ["AIM_STATE_DIR"] = state
        if "--rows" in sys.argv:
            file_mapped(int(sys.argv[-1]))
            sys.exit()
        if "--engine" not in sys.argv:
            cost()
            forecast()
            flat()
        if size(True, False) and "--cost" not in sys.argv:  # noqa: FBT003 - vLLM's own bench wants the engine
            throughput()
