"""What loading the extension costs: ``%load_ext aim_jupyter`` over a bare start of IPython.

Usage: ``python benchmarks/startup.py [ROUNDS]``. Wants a quiet machine.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time

from _smoke import size

BARE = "from IPython.core.interactiveshell import InteractiveShell as S; shell = S.instance()"
LOADED = BARE + "; shell.run_line_magic('load_ext', 'aim_jupyter')"
FIRST = LOADED + "; shell.run_line_magic('aim', 'help')"
SHELLS = {"bare IPython": BARE, "with %load_ext": LOADED, "and a first %aim": FIRST}


def main(rounds: int) -> None:
    """Print the table; the shells take turns, so that what else happens hits all alike."""
    took: dict[str, list[float]] = {name: [] for name in SHELLS}
    for _ in range(rounds):
        for name, code in SHELLS.items():
            took[name].append(1000 * shell(code))
    table("a shell's start, ms", took)


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
