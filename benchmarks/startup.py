"""What starting costs: ``%load_ext aim_jupyter`` over a bare IPython, a command over a bare Python.

Commands are counted in CPU time, which neighbours lengthen least. Targets: 150 ms for what only
parses (help, the version, completion, a wrong word or option), 250 ms for ``ps`` without servers.

Usage: ``python benchmarks/startup.py [ROUNDS]``. Wants a quiet machine.
"""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time

from _smoke import size

BARE = "from IPython.core.interactiveshell import InteractiveShell as S; shell = S.instance()"
LOADED = BARE + "; shell.run_line_magic('load_ext', 'aim_jupyter')"
FIRST = LOADED + "; shell.run_line_magic('aim', 'help')"
SHELLS = {"bare IPython": BARE, "with %load_ext": LOADED, "and a first %aim": FIRST}

#: What a shell runs, by the CPU milliseconds that it may take.
COMMANDS = {
    150: [
        "help",
        "help launch",
        "--version",
        "--completion bash",
        "recipes --wrng",
        "launch --wrng",
    ],
    250: ["ps"],
}


def main(rounds: int) -> None:
    """Print the table; the shells take turns, so that what else happens hits all alike."""
    took: dict[str, list[float]] = {name: [] for name in SHELLS}
    for _ in range(rounds):
        for name, code in SHELLS.items():
            took[name].append(1000 * shell(code))
    table("a shell's start, ms", took)
    with tempfile.TemporaryDirectory() as state:
        env = {**os.environ, "AIM_STATE_DIR": state}
        cpu: dict[str, list[float]] = {"bare Python": []}
        targets = {line: most for most, lines in COMMANDS.items() for line in lines}
        for _ in range(rounds):
            cpu["bare Python"].append(cpu_ms([sys.executable, "-c", "pass"], env))
            for line, most in targets.items():
                named = cpu.setdefault(f"{line} ({most})", [])
                named.append(cpu_ms([sys.executable, "-m", "aim_jupyter", *line.split()], env))
    table("a command's CPU ms (target)", cpu)


def cpu_ms(command: list[str], env: dict[str, str]) -> float:
    """Return the CPU time of a command, its children's with it."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=False, capture_output=True, env=env)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return 1000 * (after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def shell(code: str) -> float:
    """Return the seconds that a fresh interpreter takes for `code`."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)
    return time.perf_counter() - began


def table(title: str, rows: dict[str, list[float]]) -> None:
    """Print median, spread and the ratio to the first row, the baseline."""
    print(f"\n{title:<34}{'median':>10}{'min':>10}{'max':>10}{'ratio':>8}{'extra':>10}")
    base = statistics.median(next(iter(rows.values())))
    for name, values in rows.items():
        middle = statistics.median(values)
        line = f"{name:<34}{middle:>10.1f}{min(values):>10.1f}{max(values):>10.1f}"
        print(f"{line}{middle / base:>8.2f}{middle - base:>10.1f}")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else size(9, 1))
