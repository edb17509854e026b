"""Time the inventory: 8 GPUs, 64 partitions, first and further readings, growth with the count.

    .venv/bin/python benchmarks/gpus.py

Baseline: a bare read of the same files (`open`, `read`, `close`, and the same `listdir`s) by
`os` calls in a loop, in the same process: what any Python reader has to pay at least. The trees
are files on this machine's disk cache; the real sysfs computes its text on reading, so its share
(unverified here) comes on top of both columns alike.

Probes: what registering them takes, once a process; importlib.metadata looks through all installed
packages, whatever there is to find. First: the first reading of a new interpreter after that, with
the device table still to be parsed. Further: the median of the next readings.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from _smoke import size

from tests.core.gpus import trees

ROUNDS = size(200, 2)
STARTS = size(5, 1)
MACHINES = size(
    ((0, 1), (1, 1), (2, 1), (4, 1), (8, 1), (2, 8), (4, 8), (8, 8)), ((0, 1), (1, 1), (1, 8))
)
TARGETS_MS = {(8, 1): 5.0, (8, 8): 20.0}

_CHILD = """
import json, os, statistics, sys, time
from aim_jupyter.core import gpus
from aim_jupyter.core.gpus import probes
from aim_jupyter.core.gpus.tree import DiskTree
began = time.perf_counter(); probes.registered(); register = time.perf_counter() - began
began = time.perf_counter(); machine = gpus.machine(); first = time.perf_counter() - began
further = []
for _ in range(int(sys.argv[1])):
    began = time.perf_counter(); gpus.machine(); further.append(time.perf_counter() - began)
read, names, real = set(), set(), (DiskTree.read, DiskTree.names)
DiskTree.read = lambda self, path: (read.add(path), real[0](self, path))[1]
DiskTree.names = lambda self, path: (names.add(path), real[1](self, path))[1]
gpus.machine()
took = [register, first, statistics.median(further)]
print(json.dumps([len(machine.gpus), *took, [*read], [*names]]))
"""


def measured(root: Path) -> tuple[int, list[float], list[str], list[str]]:
    """Return GPUs, seconds (probes, first, further; medians), and what was read and listed."""
    env = {**os.environ, "AIM_SYS_ROOT": str(root), "AIM_LEASE_DIR": str(root / "leases")}
    runs = []
    for _ in range(STARTS):
        out = subprocess.run(
            [sys.executable, "-c", _CHILD, str(ROUNDS)], env=env, check=True, capture_output=True
        ).stdout
        runs.append(json.loads(out))
    count, *_, read, names = runs[0]
    return count, [statistics.median(run[at] for run in runs) for at in (1, 2, 3)], read, names


def bare(root: Path, read: list[str], names: list[str]) -> float:
    """Return the seconds that reading the same files takes without looking at them."""

    def once() -> None:
        for name in names:
            try:
                os.listdir(root / name)  # noqa: PTH208 - what is measured
            except OSError:
                continue
        for name in read:
            try:
                handle = os.open(f"{root}/{name}", os.O_RDONLY)
            except OSError:
                continue
            os.read(handle, 1 << 16)
            os.close(handle)

    return timed(once)


def timed(call: Callable[[], None]) -> float:
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        call()
        took.append(time.perf_counter() - began)
    return statistics.median(took)


def main() -> None:
    head = ("machine", "GPUs", "files", "probes", "first", "further", "bare", "ratio", "target")
    print("{:<19}{:>6}{:>7}{:>8}{:>8}{:>9}{:>7}{:>7}{:>8}   (ms)".format(*head))
    per_gpu = []
    for cards, parts in MACHINES:
        with tempfile.TemporaryDirectory() as folder:
            root = trees.written(
                trees.mi300x(cards, parts) if cards else {"dev/x": b""}, Path(folder)
            )
            count, (register, first, further), read, names = measured(root)
            floor = bare(root, read, names)
        mode = "SPX" if parts == 1 else "CPX"
        target = TARGETS_MS.get((cards, parts))
        print(
            f"{f'{cards} x MI300X {mode}' if cards else 'no GPU':<19}{count:>6}{len(read):>7}"
            f"{register * 1e3:>8.2f}{first * 1e3:>8.2f}{further * 1e3:>9.2f}{floor * 1e3:>7.2f}"
            f"{further / floor:>7.1f}{target or '':>8}"
        )
        per_gpu.append((count, further))
    print(f"\nGrowth: {growth(per_gpu)}")


def growth(points: list[tuple[int, float]]) -> str:
    """Return a straight line through the points, and how far they lie from it."""
    slope, offset = statistics.linear_regression(*zip(*points, strict=True))
    worst = max(abs(took - (offset + slope * count)) for count, took in points)
    r = statistics.correlation(*zip(*points, strict=True))
    return (
        f"{offset * 1e3:.2f} ms + {slope * 1e6:.0f} us per device; r = {r:.3f},"
        f" no point further than {worst * 1e3:.2f} ms from that line"
    )


if __name__ == "__main__":
    main()
