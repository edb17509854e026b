"""Time reading and choosing recipes: our catalogue, and AMD's files 1, 10 and 100 times over.

    .venv/bin/python benchmarks/recipes.py

Cold: a new interpreter without an index, PyYAML still to be imported, the index written at the end.
Warm: a new interpreter with the index. Both read the catalogue, find one model and rank its recipes
on eight MI300X, by policy default and by AMD's rules.

Baseline: `yaml.safe_load` of the same files in the same run, which is about two thirds of what
AMD's own loader takes; the rest is its schema check. Its own figures for the same 170 files on the
machine of facts/aim.md section 4 stand beside (0.285 s, 3.14 s, 66 s).
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml
from _smoke import size

PROJECT = Path(__file__).parents[1]
AMD = PROJECT.parent / "shared/fixtures/aim-profiles/profiles"
STARTS, MANY = size(5, 1), 5000
TIMES = size((1, 10, 100), (1, 2))
AMDS_OWN_S = {1: 0.285, 10: 3.14, 100: 66.0}
TARGET_COLD_S, TARGET_WARM_S = 0.150, 0.010

_CHILD = """
import json, sys, time
from pathlib import Path
from aim_jupyter.core.choice import Conditions, Judge, judge_all
from aim_jupyter.core.request.record import Request
from aim_jupyter.core.choice.amd_rules import Question, select
from aim_jupyter.core.gpus.simulated import machine
from aim_jupyter.core.recipes.catalogue import Catalogue
node = machine("mi300x:8")
began = time.perf_counter()
catalogue = Catalogue([Path(sys.argv[1])])
loaded = time.perf_counter()
model = catalogue.find("Qwen/Qwen3-32B")
there = Conditions(machine=node)
judge_all(model, Request(model=model.name), there, Judge(model, there, starts=()))
select(catalogue.registry(model.name), Question(model=model.name, gpu="MI300X", gpu_count=1))
done = time.perf_counter()
assert not catalogue.problems
print(json.dumps([loaded - began, done - loaded]))
"""


def multiplied(folder: Path, times: int) -> Path:
    """Return a folder with each of AMD's files so many times."""
    for path in AMD.rglob("*.yaml"):
        place = folder / path.relative_to(AMD)
        place.parent.mkdir(parents=True, exist_ok=True)
        for number in range(times):
            shutil.copyfile(
                path, place.with_stem(f"{path.stem}-c{number}" if number else path.stem)
            )
    return folder


def measured(folder: Path, *, warm: bool) -> tuple[float, float]:
    """Return the seconds to read the catalogue and to choose, medians over new interpreters."""
    with tempfile.TemporaryDirectory() as state:
        env = {**os.environ, "AIM_STATE_DIR": state, "PYTHONPATH": str(PROJECT)}
        runs = []
        if warm:
            _run(folder, env)
        for _ in range(STARTS if _count(folder) < MANY else 1):
            if not warm:
                shutil.rmtree(state)
            runs.append(_run(folder, env))
        return statistics.median(run[0] for run in runs), statistics.median(run[1] for run in runs)


def _run(folder: Path, env: dict[str, str]) -> tuple[float, float]:
    command = [sys.executable, "-c", _CHILD, str(folder)]
    out = subprocess.run(command, env=env, check=True, capture_output=True).stdout
    read, chosen = json.loads(out)
    return read, chosen


def baseline(folder: Path) -> float:
    """Return the seconds that PyYAML alone takes for the same files."""
    began = time.perf_counter()
    for path in folder.rglob("*.yaml"):
        yaml.safe_load(path.read_bytes())
    return time.perf_counter() - began


def _count(folder: Path) -> int:
    return sum(1 for _ in folder.rglob("*.yaml"))


def row(name: str, folder: Path, times: int | None = None) -> tuple[float, float]:
    """Print one line, and return cold and warm seconds with the choice."""
    cold, warm = measured(folder, warm=False), measured(folder, warm=True)
    plain = baseline(folder)
    own = AMDS_OWN_S.get(times or 0)
    print(
        f"{name:24} {_count(folder):6} {sum(cold):9.3f} {1000 * sum(warm):9.1f} "
        f"{1000 * warm[1]:9.1f} {plain:9.3f} {sum(cold) / plain:8.3f} {sum(warm) / plain:8.4f} "
        f"{own or '':>8}"
    )
    return sum(cold), sum(warm)


def main() -> None:
    print(
        f"{'folder':24} {'files':>6} {'cold s':>9} {'warm ms':>9} {'choose ms':>9} "
        f"{'PyYAML s':>9} {'cold/':>8} {'warm/':>8} {'AMD s':>8}"
    )
    row("our catalogue", PROJECT / "recipes")
    if not AMD.is_dir():
        print(f"AMD's profiles are not at {AMD}")
        return
    took = {}
    for times in TIMES:
        with tempfile.TemporaryDirectory() as folder:
            took[times] = row(f"AMD's files x {times}", multiplied(Path(folder), times), times)
    cold, warm = took[1]
    print(
        f"\nat x 1: cold {cold:.3f} s (target {TARGET_COLD_S}), warm {warm:.4f} s ({TARGET_WARM_S})"
    )
    for times in TIMES[1:]:
        growth = [took[times][at] / took[1][at] / times for at in (0, 1)]
        print(f"growth at x {times}, 1 is linear: cold {growth[0]:.2f}, warm {growth[1]:.2f}")


if __name__ == "__main__":
    main()
