"""What loading the extension costs, and what launching the demo costs, as ratios.

- ``%load_ext aim_jupyter`` over a bare IPython start, interleaved.
- From launch to ready: the demo against the plain vLLM command with the same model, its own
  defaults and 1 GiB of KV cache, interleaved.
- Memory of the whole demo server, as proportional set size after ten replies.

Usage: ``python benchmarks/startup.py [ROUNDS]``. Wants the installed engine and a quiet machine.
"""

from __future__ import annotations

import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from aim_jupyter import demo
from aim_jupyter.core import api, engines, serving
from aim_jupyter.core.planning import Request
from aim_jupyter.core.records import Address, ProcessId
from aim_jupyter.core.serving import endpoint, ports
from aim_jupyter.core.serving.process import end_group, identify, members, memory_bytes

BARE = "from IPython.core.interactiveshell import InteractiveShell as S; shell = S.instance()"
LOADED = BARE + "; shell.run_line_magic('load_ext', 'aim_jupyter')"
FIRST = LOADED + "; shell.run_line_magic('aim', 'help')"


def main(rounds: int) -> None:
    """Print the three tables."""
    shells = {"bare IPython": BARE, "with %load_ext": LOADED, "and a first %aim": FIRST}
    times = interleaved({name: partial(shell, code) for name, code in shells.items()}, 9)
    table("a shell's start, ms", {name: [1000 * t for t in took] for name, took in times.items()})
    with tempfile.TemporaryDirectory() as home:
        os.environ["AIM_STATE_DIR"] = home
        sizes: dict[str, list[float]] = {"plain vLLM": [], "aim demo": []}
        starts = interleaved(
            {
                "plain vLLM": lambda: plain(Path(home), sizes["plain vLLM"]),
                "aim demo": lambda: launched(sizes["aim demo"]),
            },
            rounds,
        )
    table("launch to ready, s", starts)
    table("memory after ten replies, MB PSS", sizes)


def interleaved(cases: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """Run the cases in turn, so that what else happens on the machine hits all alike."""
    took: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(rounds):
        for name, run in cases.items():
            took[name].append(run())
    return took


def shell(code: str) -> float:
    """Return the seconds that a fresh interpreter takes for `code`."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return time.perf_counter() - began


def launched(sizes: list[float]) -> float:
    """Launch the demo, and return the seconds until it is ready."""
    began = time.perf_counter()
    folder = api.launch(Request(model="demo"))
    for _ in api.wait(folder.name):
        pass
    took = time.perf_counter() - began
    record = folder.read()
    assert record.port is not None
    assert record.engine is not None
    assert record.supervisor is not None
    ask(record.port, folder.key())
    sizes.append(megabytes([*members(record.engine), record.supervisor.pid]))
    serving.stop(folder)
    return took


def plain(home: Path, sizes: list[float]) -> float:
    """Start vLLM with its own command and defaults, and return the seconds until it is healthy."""
    environment = engines.choose(platform="cpu")
    holder, port = ports.reserve()
    holder.close()
    argv = [environment.python, *environment.command, *filter(None, [environment.model_option])]
    argv += [str(demo.FOLDER), "--served-model-name", "default", "--port", str(port)]
    argv += ["--host", "127.0.0.1", "--enforce-eager", "--max-model-len", "1024"]
    began = time.perf_counter()
    with (home / "plain.log").open("wb") as log:
        # Its own default asks for nearly all memory of the machine, and then often does not start.
        env = {**os.environ, "VLLM_CPU_KVCACHE_SPACE": "1"}
        child = subprocess.Popen(argv, stdout=log, stderr=log, env=env, start_new_session=True)
    leader = identify(child.pid) or ProcessId(0, 0, "")
    while not endpoint.healthy(Address(port=port)):
        assert child.poll() is None, (home / "plain.log").read_text()[-2000:]
        time.sleep(0.1)
    took = time.perf_counter() - began
    ask(port, "")
    sizes.append(megabytes(members(leader)))
    os.kill(child.pid, signal.SIGTERM)
    child.wait()
    end_group(leader, drain_s=0)
    return took


def megabytes(pids: list[int]) -> float:
    """Return the proportional set size of processes together."""
    return (memory_bytes(pids) or 0) / 1e6


def ask(port: int, key: str) -> None:
    """Ask ten questions, so that memory that comes with use is counted."""
    import openai  # noqa: PLC0415

    with openai.OpenAI(base_url=f"http://127.0.0.1:{port}/v1", api_key=key or "none") as client:
        for question in demo.questions()[:10]:
            client.chat.completions.create(
                model="default", messages=[{"role": "user", "content": question}]
            )


def table(title: str, rows: dict[str, list[float]]) -> None:
    """Print median, spread and the ratio to the first row, the baseline."""
    print(f"\n{title:<34}{'median':>10}{'min':>10}{'max':>10}{'ratio':>8}{'extra':>10}")
    base = statistics.median(next(iter(rows.values())))
    for name, values in rows.items():
        middle = statistics.median(values)
        line = f"{name:<34}{middle:>10.1f}{min(values):>10.1f}{max(values):>10.1f}"
        print(f"{line}{middle / base:>8.2f}{middle - base:>10.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 3)
