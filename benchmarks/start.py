"""Start to first token, and memory: vLLM's own command against our four modes, in one run.

Interleaved; with the page cache as it is, and, where this process may drop it, cold. The plain
command gets the demo model, its own defaults and 1 GiB of KV cache: its default of that asks for
nearly all memory of the machine. `warm` is a fork of a host that is up; `warming` is the launch
that has to start the host. Memory is the proportional set size of all processes of a start: peak is
the largest of the samples taken every half second, the host's own share counted with it. From the
third start of a plan on, what was said of it stands beside what it took until it was ready.

With ``--big GIB`` a model of random weights of that size is made, and started by `lean` with and
without read-ahead, each time with its weights out of the page cache.

With ``--compiled`` the demo is compiled instead of run eagerly, and started by `lean` with empty
caches of compiled code and with those that the start before has left.

Usage: ``python benchmarks/start.py [ROUNDS] [--cache warm|cold|none] [--big GIB] [--compiled]``.
Wants the installed engine and a quiet machine.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, Self

import openai
from _smoke import size
from msgspec.structs import replace

from aim_jupyter import demo
from aim_jupyter.core import api, engines, serving
from aim_jupyter.core.records import Mode, ProcessId
from aim_jupyter.core.records.server import Address
from aim_jupyter.core.request import Request
from aim_jupyter.core.serving.start import booting, ports, readahead, warm
from aim_jupyter.core.serving.state.process import end_group, identify, members, memory_bytes
from aim_jupyter.core.serving.watch import endpoint
from aim_jupyter.core.sizes import GIB

PLAIN = "plain vLLM command"
ALL: tuple[Mode, ...] = ("plain", "lean", "fork", "warm")
MODES = size(ALL, ALL[-1:])
DROP = Path("/proc/sys/vm/drop_caches")
QUESTION = "What is a recipe?"


class Start(NamedTuple):
    """What a start took: to the first token and, by its stages, until ready; and what was said."""

    first_token_s: float
    megabytes: float
    said_s: float = 0.0
    ready_s: float = 0.0

    def __str__(self) -> str:
        return f"{self.first_token_s:.1f} s, {self.megabytes:,.0f} MB"


class Peak:
    """The largest memory of some processes, looked at every half second."""

    def __init__(self, pids: Callable[[], list[int]]) -> None:
        self._pids = pids
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self.megabytes = 0.0

    def _look(self) -> None:
        while not self._done.wait(0.5):
            self.megabytes = max(self.megabytes, (memory_bytes(self._pids()) or 0) / 1e6)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()
        self.megabytes = max(self.megabytes, (memory_bytes(self._pids()) or 0) / 1e6)


def main(rounds: int, states: list[str], big_gib: float, *, compiled: bool) -> None:
    """Print a table for each state of the page cache, and what else was asked for."""
    with tempfile.TemporaryDirectory() as home:
        os.environ["AIM_STATE_DIR"] = home
        try:
            for state in states:
                modes(rounds, state)
            if big_gib:
                reading(rounds, big_gib, Path(home))
            if compiled:
                compiling(rounds, Path(home))
        finally:
            warm.end()


def modes(rounds: int, state: str) -> None:
    """Time the plain command and each mode in turn."""
    ways: tuple[Mode | None, ...] = (None, *MODES)
    starts: dict[str, list[Start]] = {mode or PLAIN: [] for mode in ways}
    first_launch()
    for _ in range(rounds):
        for mode, (name, each) in zip(ways, starts.items(), strict=True):
            if state == "cold":
                DROP.write_text("1")
            each.append(plain() if mode is None else launched(mode))
            print(f"{name}: {each[-1]}", file=sys.stderr, flush=True)
    rows = starts.items()
    seconds = {name: [start.first_token_s for start in each] for name, each in rows}
    table(f"start to first token, s; page cache {state}", seconds)
    memory = {name: [start.megabytes for start in each] for name, each in rows}
    table(f"peak memory, MB PSS; page cache {state}", memory)
    predictions({name: each[2:] for name, each in rows if name != PLAIN})


def first_launch() -> None:
    """Start the warm host, and print what that takes."""
    warm.end()
    print(f"\nfirst launch, which starts the host: {launched('warm')}")


def predictions(starts: dict[str, list[Start]]) -> None:
    """Print what was said of starts from the third of a plan on, and what they took until ready."""
    title = "until ready, s, from the third start on"
    print(f"\n{title:<52}{'said':>9}{'taken':>9}{'off by':>9}")
    for name, each in starts.items():
        for start in each:
            off = start.said_s / start.ready_s - 1
            print(f"{name:<52}{start.said_s:>9.1f}{start.ready_s:>9.1f}{off:>+9.0%}", flush=True)


def launched(mode: Mode) -> Start:
    """Launch the demo in a mode."""
    began = time.perf_counter()
    folder = api.launch(Request(model="demo", start=mode, new=True))
    with Peak(lambda: of_server(folder)) as peak:
        for _ in api.wait(folder.name, limit_s=600):
            pass
        record = folder.read()
        took = first_token(record.port or 0, folder.key(), began)
    expected = {"warm": ("warm", booting.WARMING)}.get(mode, (mode,))
    assert record.started_by in expected, record.started_by
    serving.stop(folder, drain_s=0)
    said, ready = sum(record.expected_s.values()), sum(s.took_s or 0 for s in record.stages)
    return Start(took, peak.megabytes, said, ready)


def of_server(folder: serving.ServerFolder) -> list[int]:
    """Return the processes of a server, its supervisor's and its host's among them."""
    record = folder.read()
    hosts = warm.pids() if record.plan.mode == "warm" else []
    own = [*members(record.engine)] if record.engine else []
    return [*own, *hosts, *([record.supervisor.pid] if record.supervisor else [])]


def plain() -> Start:
    """Start vLLM with its own command."""
    environment = engines.choose(platform="cpu")
    holder, port = ports.reserve()
    holder.close()
    argv = [environment.python, *environment.command, *filter(None, [environment.model_option])]
    argv += [str(demo.FOLDER), "--served-model-name", "default", "--port", str(port)]
    argv += ["--host", "127.0.0.1", "--enforce-eager", "--max-model-len", "1024"]
    env = {**os.environ, "VLLM_CPU_KVCACHE_SPACE": "1"}
    began = time.perf_counter()
    child = subprocess.Popen(
        argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env, start_new_session=True
    )
    leader = identify(child.pid) or ProcessId(0, 0, "")
    with Peak(lambda: members(leader)) as peak:
        while not endpoint.healthy(Address(port=port)):
            assert child.poll() is None
            time.sleep(0.05)
        took = first_token(port, "none", began)
    child.send_signal(signal.SIGTERM)
    child.wait()
    end_group(leader, drain_s=0)
    return Start(took, peak.megabytes)


def first_token(port: int, key: str, began: float) -> float:
    """Return the seconds from `began` to the first token of an answer, after ten more answers."""
    with openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key=key) as client:
        with client.chat.completions.create(
            model="default", messages=[{"role": "user", "content": QUESTION}], stream=True
        ) as stream:
            next(chunk for chunk in stream if chunk.choices and chunk.choices[0].delta.content)
        took = time.perf_counter() - began
        for _ in range(10):
            client.chat.completions.create(
                model="default",
                messages=[{"role": "user", "content": QUESTION}],
                max_tokens=30,
            )
    return took


def compiling(rounds: int, home: Path) -> None:
    """Time the start of the compiled demo with and without what an earlier start compiled."""
    seconds: dict[str, list[float]] = {"nothing compiled yet": [], "compiled before": []}
    for number in range(rounds):
        os.environ["AIM_COMPILE_CACHE_DIR"] = str(home / f"compiled-{number}")
        os.environ["VLLM_CACHE_ROOT"] = str(home / f"vllm-{number}")
        for each in seconds.values():
            each.append(ready(Request(model="demo", start="lean", unset=("enforce-eager",))))
    table("launch to ready, s; the demo compiled", seconds)


def ready(asked: Request) -> float:
    """Return the seconds from launch to ready, and stop."""
    began = time.perf_counter()
    server = api.launch(replace(asked, new=True))
    for _ in api.wait(server.name, limit_s=900):
        pass
    took = time.perf_counter() - began
    serving.stop(server, drain_s=0)
    return took


def reading(rounds: int, gib: float, home: Path) -> None:
    """Time the start of a model of several GiB with and without read-ahead, cold."""
    folder = random_model(home / "big", gib)
    seconds: dict[str, list[float]] = {"without read-ahead": [], "with read-ahead": []}
    for _ in range(rounds):
        for name, worth in (("without read-ahead", 1 << 60), ("with read-ahead", None)):
            forget(folder)
            with read_ahead_from(worth):
                seconds[name].append(big_start(folder))
    table(f"launch to ready, s; {gib:g} GiB of weights, cold", seconds)


def big_start(folder: Path) -> float:
    """Return the seconds from launch to ready of the big model, started lean."""
    asked = Request(
        model=str(folder),
        start="lean",
        options={"max-model-len": 256, "kv-cache-memory-bytes": "64M", "enforce-eager": None},
        force=True,
        name="big",
    )
    return ready(asked)


@contextlib.contextmanager
def read_ahead_from(worth_bytes: int | None) -> Iterator[None]:
    """Let supervisors read ahead only what is larger; None is their own rule."""
    name = "AIM_READ_AHEAD_BYTES"
    if worth_bytes is not None:
        os.environ[name] = str(worth_bytes)
    try:
        yield
    finally:
        os.environ.pop(name, None)


def random_model(folder: Path, gib: float) -> Path:
    """Write a model of the demo's architecture with random weights of about `gib` GiB."""
    shutil.copytree(demo.FOLDER, folder, ignore=shutil.ignore_patterns("*.safetensors", "*.py"))
    config = json.loads((folder / "config.json").read_text())
    config |= {"hidden_size": 2048, "intermediate_size": 8192, "num_attention_heads": 16}
    config |= {"num_key_value_heads": 8, "head_dim": 128}
    layer = 2 * (2048 * 2048 * 2 + 2 * 2048 * 1024 + 3 * 2048 * 8192)
    config["num_hidden_layers"] = max(2, round(gib * GIB / layer))
    config.pop("layer_types", None)
    (folder / "config.json").write_text(json.dumps(config))
    code = (
        "import sys, torch, transformers\n"
        "c = transformers.AutoConfig.from_pretrained(sys.argv[1])\n"
        "torch.set_default_dtype(torch.bfloat16)\n"
        "m = transformers.AutoModelForCausalLM.from_config(c)\n"
        "m.save_pretrained(sys.argv[1], max_shard_size='1GB')\n"
    )
    python = engines.choose(platform="cpu").python
    subprocess.run([python, "-c", code, str(folder)], check=True, capture_output=True)
    return folder


def forget(folder: Path) -> None:
    """Put a model's weights out of the page cache."""
    for path in readahead.weights(folder):
        with path.open("rb") as file:
            os.fsync(file.fileno())
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def table(title: str, rows: dict[str, list[float]]) -> None:
    """Print median, spread and the ratio to the first row, the baseline.

    A ratio is the median of those of the rounds: what stood side by side found the machine equally
    fast, which between rounds changes by a factor of two.
    """
    print(f"\n{title:<52}{'median':>9}{'min':>9}{'max':>9}{'ratio':>8}", flush=True)
    base = next(iter(rows.values()))
    for name, values in rows.items():
        ratio = statistics.median(one / each for one, each in zip(values, base, strict=True))
        line = f"{name:<52}{statistics.median(values):>9.1f}{min(values):>9.1f}{max(values):>9.1f}"
        print(f"{line}{ratio:>8.2f}", flush=True)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rounds", type=int, nargs="?", default=size(5, 1))
    parser.add_argument("--cache", choices=("warm", "cold", "none"))
    parser.add_argument("--big", type=float, default=0.0, metavar="GIB")
    parser.add_argument("--compiled", action="store_true")
    given = parser.parse_args()
    droppable = size(["cold"], []) if os.access(DROP, os.W_OK) else []
    states = [given.cache] if given.cache else ["warm", *droppable]
    main(given.rounds, [s for s in states if s != "none"], given.big, compiled=given.compiled)
