"""A bound command ends with whoever started it, and takes what it started along."""

import subprocess
import sys
import time
from pathlib import Path

from aim_jupyter.core.engines import bound

from .conftest import gone

STARTER = """
import os, subprocess, sys
child = [sys.executable, "-I", sys.argv[1], str(os.getpid()), "timeit", "-n1", "-r1", sys.argv[2]]
subprocess.Popen(child, start_new_session=True).wait()
"""


def test_it_and_its_children_go_with_a_killed_starter(tmp_path: Path) -> None:
    pids = tmp_path / "pids"
    busy = f"import os; os.system('echo $$ {{}} > {pids}; sleep 60'.format(os.getpid()))"
    starter = subprocess.Popen([sys.executable, "-c", STARTER, bound.__file__, busy])
    while not (pids.exists() and pids.read_text()):
        time.sleep(0.01)
    starter.kill()
    starter.wait()
    for pid in map(int, pids.read_text().split()):
        assert gone(pid)


def test_it_does_not_outlive_a_starter_that_is_gone_already() -> None:
    child = subprocess.run(
        [sys.executable, "-I", bound.__file__, "1", "this"],
        start_new_session=True,
        check=False,
    )
    assert child.returncode == -9
