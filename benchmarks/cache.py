"""How long a look into a cache takes: 1,000 repositories with 100 files each.

    .venv/bin/python benchmarks/cache.py [REPOSITORIES] [ROUNDS]

The baseline is `huggingface_hub.scan_cache_dir` on the same tree, in turn with ours in one run. A
bare directory walk is beside it, as what no scan can do without. Targets: a first look in at most
a quarter of the baseline, a second one under 150 ms.
"""

from __future__ import annotations

import hashlib
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from _smoke import size
from huggingface_hub import scan_cache_dir

from aim_jupyter.core import cache
from aim_jupyter.core.cache import scan
from aim_jupyter.core.cache.repo import Repo

FILES, LARGE, LARGE_BYTES = 100, 5, 5 << 20


def build(root: Path, repositories: int) -> None:
    for number in range(repositories):
        folder = root / f"models--org{number % 20}--model{number}"
        commit = hashlib.sha1(str(number).encode()).hexdigest()
        snapshot = folder / "snapshots" / commit
        (snapshot / "sub").mkdir(parents=True)
        (folder / "blobs").mkdir()
        (folder / "refs").mkdir()
        (folder / "refs" / "main").write_text(commit)
        for index in range(FILES):
            blob = folder / "blobs" / hashlib.sha256(f"{number}/{index}".encode()).hexdigest()
            with blob.open("wb") as file:
                # A hole: the size of a shard without its blocks.
                file.truncate(LARGE_BYTES if index < LARGE else 10 + index)
            name = snapshot / _name(index)
            name.symlink_to(os.path.relpath(blob, name.parent))


def _name(index: int) -> str:
    if index < LARGE:
        return f"model-{index + 1:05}-of-{LARGE:05}.safetensors"
    few = {LARGE: "config.json", LARGE + 1: "tokenizer.json"}
    return few.get(index, f"sub/{index}.json" if index % 5 == 0 else f"{index}.json")


def walk(root: Path) -> int:
    return sum(len(files) for _, _, files in os.walk(root))


def timed(act: Callable[[], object]) -> tuple[float, float, object]:
    wall, processor = time.perf_counter(), time.process_time()
    found = act()
    return time.perf_counter() - wall, time.process_time() - processor, found


def first(root: Path) -> list[Repo]:
    scan._seen.clear()  # noqa: SLF001 - as a new process has it
    return scan.scan(root)


def main(repositories: int, rounds: int) -> None:
    with tempfile.TemporaryDirectory(prefix="aim-cache-") as folder:
        root = Path(folder)
        os.environ["AIM_CACHE_DIR"] = folder
        build(root, repositories)
        steps: dict[str, Callable[[], object]] = {
            "huggingface_hub's scan": lambda: scan_cache_dir(root).size_on_disk,
            "bare walk": lambda: walk(root),
            "aim, first look": lambda: sum(repo.size_bytes for repo in first(root)),
            "aim, second look": lambda: sum(repo.size_bytes for repo in scan.scan(root)),
            "aim, second `%aim cache`": cache.models,
        }
        taken: dict[str, list[tuple[float, float]]] = {name: [] for name in steps}
        for _ in range(rounds):
            sizes = set()
            for name, act in steps.items():
                *times, found = timed(act)
                taken[name].append((times[0], times[1]))
                sizes |= {found} if name != "bare walk" and isinstance(found, int) else set()
            assert len(sizes) == 1, "all of them find the same bytes"
    show(taken, repositories, rounds)


def show(taken: dict[str, list[tuple[float, float]]], repositories: int, rounds: int) -> None:
    print(f"{repositories} repositories, {repositories * FILES} files, {rounds} rounds in turn\n")
    print("| look | median ms | min ms | max ms | processor ms | ratio |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    base = statistics.median(wall for wall, _ in next(iter(taken.values())))
    for name, times in taken.items():
        wall = [1000 * each for each, _ in times]
        processor = statistics.median(1000 * each for _, each in times)
        middle = statistics.median(wall)
        print(
            f"| {name} | {middle:,.0f} | {min(wall):,.0f} | {max(wall):,.0f} | {processor:,.0f} "
            f"| {middle / 1000 / base:.3f} |"
        )


if __name__ == "__main__":
    given = [int(word) for word in sys.argv[1:]]
    main(*(given + size([1000, 3], [3, 1])[len(given) :]))
