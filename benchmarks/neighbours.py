"""Time looks at a node on which a neighbour's sockets never answer.

    .venv/bin/python benchmarks/neighbours.py        # as root: the neighbour is another user

Baseline: the same look in the same process while nobody shares anything, taken in turn with the
other. The budget is 300 ms for all sockets of all neighbours together, however many there are.
"""

from __future__ import annotations

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

from aim_jupyter.core import api
from aim_jupyter.core.leases import folder as leases
from aim_jupyter.core.serving.sharing import asking, shared, sockets
from tests import users
from tests.core.serving.sharing import neighbour

ROUNDS = size(30, 1)
COUNTS = size((20, 200), (20,))
LOOKS: dict[str, Callable[[], object]] = {"ps": api.servers, "%aim": api.overview}


def took_ms(look: Callable[[], object]) -> float:
    """Return how long one look takes."""
    began = time.perf_counter()
    look()
    return (time.perf_counter() - began) * 1e3


def measured(look: Callable[[], object], place: Path) -> tuple[float, float]:
    """Return the medians with the neighbour's sockets and with an empty folder, in turn."""
    found: dict[bool, list[float]] = {True: [], False: []}
    for number in range(2 * ROUNDS):
        stalled = bool(number % 2)
        os.environ[leases.VARIABLE] = str(place if stalled else place.with_name("empty"))
        found[stalled].append(took_ms(look))
    return statistics.median(found[True]), statistics.median(found[False])


def main() -> None:
    """Print a table."""
    if os.geteuid() != 0 or users.interpreter() is None:
        sys.exit("it takes root, and a Python that other users can run")
    print(f"budget {shared.LOOK_S * 1e3:.0f} ms; at most {asking.MOST_EACH} sockets of one user")
    print(f"{'look':6} {'sockets':>8} {'ms':>8} {'none, ms':>9} {'more, ms':>9} {'ratio':>6}")
    for count in COUNTS:
        with tempfile.TemporaryDirectory() as home:
            Path(home).chmod(0o755)
            os.environ["AIM_STATE_DIR"] = f"{home}/state"
            places = [Path(home, "full"), Path(home, "empty")]
            for place in places:
                os.environ[leases.VARIABLE] = str(place)
                with sockets.opened(make=True):
                    pass
            words = [users.interpreter() or "", neighbour.__file__, str(places[0] / "share")]
            child = subprocess.Popen(
                [*words, leases.prefix(), str(count)],
                cwd="/",
                stdout=subprocess.PIPE,
                **users.identity(users.GUEST),
            )
            try:
                assert child.stdout is not None
                child.stdout.readline()
                for name, look in LOOKS.items():
                    full, none = measured(look, places[0])
                    more = full - none
                    print(
                        f"{name:6} {count:8} {full:8.1f} {none:9.1f} {more:9.1f} {full / none:6.1f}"
                    )
            finally:
                child.kill()
                child.communicate()


if __name__ == "__main__":
    main()
