"""Measure what looking after servers costs: supervisor, keeper, `ps` over 50 servers, attach.

    .venv/bin/python benchmarks/serving.py

The servers run the fake engine, so that nothing but our own share is measured. Baselines: for
memory an interpreter that does nothing (``python -c "input()"``); for CPU at rest a process that
only sleeps in the supervisor's rhythm, once a second; for `ps` and attach the bare reading of the
same ``server.json`` files, with their decoding, in the same process.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from _smoke import size
from msgspec.structs import replace

from aim_jupyter.core import api, serving
from aim_jupyter.core.records import Plan
from aim_jupyter.core.request import Request
from aim_jupyter.core.serving import ServerFolder
from aim_jupyter.core.serving.start import engine
from aim_jupyter.testing import Script, fake_engine

REST_S = size(30.0, 1.0)
SERVERS = size(50, 3)
LIVE = size(4, 1)
ROUNDS, STARTS = size((15, 5), (1, 1))


def rss_mb(pid: int) -> float:
    """Return resident megabytes (MiB)."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    raise LookupError(pid)


def cpu_s(pid: int) -> float:
    """Return the seconds of CPU that a process has had, its own and the kernel's for it."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def sleeper(code: str) -> Iterator[int]:
    """Run an interpreter with `code` and yield its pid."""
    child = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE)
    try:
        yield child.pid
    finally:
        child.kill()
        child.communicate()


class Took(NamedTuple):
    """Milliseconds of one call: by the clock, and of CPU, which a busy machine does not stretch."""

    wall: float
    cpu: float


def timed_ms(call: Callable[[], object]) -> Took:
    """Return the medians of some rounds, after one that makes what is made once."""
    call()
    walls, cpus = [], []
    for _ in range(ROUNDS):
        began, ran = time.perf_counter(), time.process_time()
        call()
        cpus.append((time.process_time() - ran) * 1e3)
        walls.append((time.perf_counter() - began) * 1e3)
    return Took(statistics.median(walls), statistics.median(cpus))


def launch(plan: Plan, name: str) -> ServerFolder:
    folder = serving.launch(replace(plan, server=name))
    for _ in api.wait(name, limit_s=120):
        pass
    return folder


def populate(folder: ServerFolder) -> None:
    """Make ended servers beside the live ones, as the last weeks leave them."""
    ended = replace(folder.read(), state="stopped", ended_at=time.time())
    for number in range(SERVERS - LIVE):
        made = ServerFolder(folder.path.parent / f"ended-{number:02}")
        made.path.mkdir()
        made.write(replace(ended, name=made.name))


def at_rest(folder: ServerFolder) -> None:
    """Print memory and CPU of supervisor and keeper against their baselines."""
    record = folder.read()
    told = engine.notes(folder.path)
    assert record.supervisor is not None
    assert told is not None
    idle = "input()"
    ticking = "import time\nwhile True: time.sleep(1)"
    with sleeper(idle) as bare, sleeper(ticking) as ticks:
        time.sleep(2)
        pids = {"supervisor": record.supervisor.pid, "keeper": told.pid, "sleeps": ticks}
        before = {name: cpu_s(pid) for name, pid in pids.items()}
        time.sleep(REST_S)
        used = {name: (cpu_s(pid) - before[name]) / REST_S * 100 for name, pid in pids.items()}
        floor = rss_mb(bare)
        for name in ("supervisor", "keeper"):
            resident = rss_mb(pids[name])
            row(
                f"{name}, MiB resident", resident, f"bare interpreter {floor:.1f}", resident / floor
            )
    for name in ("supervisor", "keeper"):
        row(f"{name} at rest, % of a core", used[name], f"a sleep a second {used['sleeps']:.2f}")


def looks(folders: list[ServerFolder]) -> None:
    """Print the time of `ps` and attach against the bare reading of the records."""
    name = folders[0].name
    api.servers()
    all_of_them = list(serving.folders())
    read_all = timed_ms(lambda: [each.read() for each in all_of_them])
    read_one = timed_ms(folders[0].read)
    ps, attach = timed_ms(api.servers), timed_ms(lambda: api.attach(name))
    for what, took, floor in (
        (f"ps over {len(all_of_them)} servers", ps, read_all),
        ("attach", attach, read_one),
    ):
        row(f"{what}, ms", took.wall, f"reading: {floor.wall:.2f}", took.wall / floor.wall)
        row(f"{what}, ms of CPU", took.cpu, f"reading: {floor.cpu:.2f}", took.cpu / floor.cpu)


def first_attach(name: str) -> None:
    """Print what a new kernel pays for its first attach, import included."""
    code = f"from aim_jupyter.core import api; api.attach({name!r})"
    runs: list[float] = []
    floor: list[float] = []
    for _ in range(STARTS):
        for text, kept in ((code, runs), ("pass", floor)):
            began = time.perf_counter()
            subprocess.run([sys.executable, "-c", text], check=True)
            kept.append((time.perf_counter() - began) * 1e3)
    new, bare = statistics.median(runs), statistics.median(floor)
    row("a new interpreter that attaches, ms", new, f"one that does nothing {bare:.0f}", new / bare)


def row(what: str, value: float, baseline: str, ratio: float | None = None) -> None:
    said = "" if ratio is None else f"{ratio:.2f}"
    print(f"{what:<40}{value:>9.2f}   {baseline:<32}{said:>7}", flush=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as home:
        for variable, place in (("STATE", "state"), ("SYS", "machine"), ("DATA", "data")):
            name = "AIM_SYS_ROOT" if variable == "SYS" else f"AIM_{variable}_DIR"
            os.environ[name] = f"{home}/{place}"
        Path(home, "machine").mkdir()
        os.environ["AIM_ENGINE_PYTHON"] = str(fake_engine(Path(home), Script(children=2)))
        plan = api.plan(Request(model="demo"))
        folders = [launch(plan, f"live-{number}") for number in range(LIVE)]
        try:
            populate(folders[0])
            at_rest(folders[0])
            looks(folders)
            first_attach(folders[0].name)
        finally:
            for folder in folders:
                serving.stop(folder, drain_s=0)


if __name__ == "__main__":
    main()
