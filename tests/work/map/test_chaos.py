"""Fifty kills of the map, its server's supervisor or its engine: nothing is lost."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from aim_jupyter.core import serving
from aim_jupyter.core.errors import ServerGone
from aim_jupyter.core.records import ProcessId
from aim_jupyter.core.serving.state.process import alive
from aim_jupyter.work import runs
from tests.waiting import launch_ready, until

ROWS, KILLS, SLOTS = 2000, 50, 16
#: Requests that the map may have open at an engine of so many slots.
UNDER_WAY = round(1.5 * SLOTS) + 8
MAP = f"""
import sys
import aim_jupyter as aim
rows = [{{"text": f"row {{at}}, said at length"}} for at in range({ROWS})]
import json
out = aim.map(rows, "{{text}}", into="said", launch=True)
open(sys.argv[1], "w").write(json.dumps(out))
"""


def mapping(out: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", MAP, str(out)], start_new_session=True)


def killed(process: ProcessId | None) -> bool:
    if process is None or not alive(process):
        return False
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, signal.SIGKILL)
        return True
    return False


@pytest.mark.timeout(1800)
def test_fifty_kills_lose_nothing_and_the_table_is_the_same(
    fake: Callable[..., Path], tmp_path: Path
) -> None:
    asked = tmp_path / "asked"
    fake(token_s=0.02, slots=SLOTS, asked=str(asked))
    folder = launch_ready()
    calm, wild = tmp_path / "calm.json", tmp_path / "wild.json"
    assert mapping(calm).wait() == 0
    assert len(asked.read_text().splitlines()) == ROWS
    asked.write_text("")
    runs.folders()[0].evict()

    draw, child, hits, in_flight = random.Random(19), mapping(wild), 0, 0
    while hits < KILLS:
        time.sleep(draw.uniform(0.05, 1.5))
        if child.poll() is not None:
            child = mapping(wild)
        what = draw.choice(["map", "supervisor", "engine"])
        if what == "map":
            child.kill()
            child.wait()
            hit = True
        else:
            with contextlib.suppress(ServerGone):
                record = folder.read()
            hit = killed(record.supervisor if what == "supervisor" else record.engine)
        hits += hit
        in_flight += hit * UNDER_WAY
        if what == "map":
            child = mapping(wild)
    while child.wait() != 0:
        child = mapping(wild)
    assert wild.read_bytes() == calm.read_bytes()
    lines = asked.read_text().splitlines()
    again = len(lines) - len(set(lines))
    assert again <= in_flight, f"{again} rows were asked again, {in_flight} could have been"
    until(lambda: serving.current(folder).state in ("running", "failed", "stopped"))
    assert json.loads(wild.read_text())[7]["said"].startswith("You said: row 7")
