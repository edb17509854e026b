"""How long it takes to explain an end: logs of 20 and of 200 MB.

    .venv/bin/python benchmarks/crash.py [MEGABYTES] [LARGE] [ROUNDS]

The baseline is what reads the whole log in Python and looks for one word in each line, in turn
with ours in one run. The failure stands at the end, at the beginning, or nowhere. Target: under
300 ms of processor for 20 MB.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from _smoke import size

from aim_jupyter.core.records import Plan
from aim_jupyter.core.serving.crash import crash

PLAN = Plan(
    server="log", model="demo", recipe_id="", origin="", engine="vllm", engine_name="",
    platform="rocm", engine_version="0.32.0", model_path="", argv=(), env={}, gpu_model="MI300X",
)  # fmt: skip
HEAD = b"(EngineCore pid=7) ERROR 11-23 19:44:56 [core.py:1] "
FRAMES = [b'  File "/v/vllm/a.py", line %d, in f\n' % number for number in range(60)]
FAILURE = b"".join(
    HEAD + line
    for line in (
        b"Traceback (most recent call last):\n", *FRAMES,
        b"torch.OutOfMemoryError: HIP out of memory. Tried to allocate 12.95 GiB.\n",
    )
)  # fmt: skip
NOISE = b'(APIServer pid=1) INFO:     10.0.0.%d:4 - "POST /v1/chat/completions HTTP/1.1" 200 OK\n'


def write(log: Path, megabytes: int, *, first: bytes = b"", last: bytes = b"") -> None:
    block = b"".join(NOISE % (number % 250) for number in range(2000))
    with log.open("wb") as file:
        file.write(first)
        while file.tell() < megabytes << 20:
            file.write(block)
        file.write(last)


def every_line(log: Path) -> int:
    with log.open(errors="replace") as file:
        return sum("Error" in line for line in file)


def explained(log: Path) -> str:
    return crash.explain(PLAN, log, 1, "").what


def taken(act: Callable[[Path], object], log: Path) -> float:
    began = time.process_time()
    act(log)
    return time.process_time() - began


def main(megabytes: int, large: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="aim-crash-") as folder:
        logs: dict[str, Path] = {}
        for name, of, first, last in (
            ("at the end", megabytes, b"", FAILURE), ("at the beginning", megabytes, FAILURE, b""),
            ("nowhere", megabytes, b"", b""), ("at the end", large, b"", FAILURE),
        ):  # fmt: skip
            logs[f"{of} MB, the failure {name}"] = log = Path(folder, f"{len(logs)}.log")
            write(log, of, first=first, last=last)
        crash.explain(PLAN, log, 1, "")
        base: dict[str, list[float]] = {name: [] for name in logs}
        ours: dict[str, list[float]] = {name: [] for name in logs}
        for _ in range(rounds):
            for name, log in logs.items():
                base[name].append(taken(every_line, log))
                ours[name].append(taken(explained, log))
    print(f"{rounds} rounds in turn, ms of processor\n")
    print("| log | every line, median | explained, median | max | ratio |")
    print("| --- | ---: | ---: | ---: | ---: |")
    for name in logs:
        lines, told = statistics.median(base[name]), statistics.median(ours[name])
        print(
            f"| {name} | {1000 * lines:,.0f} | {1000 * told:,.0f} | {1000 * max(ours[name]):,.0f} "
            f"| {told / lines:.2f} |"
        )


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    main(*(given + size([20, 200, 5], [1, 2, 1])[len(given) :]))
