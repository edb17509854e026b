"""The keeper: no engine outlives its supervisor, and none is left alone."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from aim_jupyter.core import serving
from aim_jupyter.core.serving.start import engine, keeper
from aim_jupyter.core.serving.state.process import identify, members
from tests.conftest import FakeEngine
from tests.waiting import MOST_S, kill, launch_ready, until


def test_a_killed_keeper_takes_the_engine_with_it(fake: FakeEngine) -> None:
    fake(children=3, ignore_term=True)
    folder = launch_ready()
    record = folder.read()
    assert record.supervisor is not None
    assert record.engine is not None
    # Stopped, so that it is the kernel and not the supervisor that ends the engine.
    os.kill(record.supervisor.pid, signal.SIGSTOP)
    kill(record.engine)
    until(lambda: members(record.engine) == [])  # type: ignore[arg-type]
    os.kill(record.supervisor.pid, signal.SIGCONT)
    until(lambda: folder.read().state == "failed")


def test_supervisor_and_keeper_killed_together_leave_nothing(fake: FakeEngine) -> None:
    fake(children=2)
    folder = launch_ready()
    record = folder.read()
    assert record.engine is not None
    assert record.supervisor is not None
    for process in (record.supervisor, record.engine):
        os.kill(process.pid, signal.SIGKILL)
    until(lambda: members(record.engine) == [], limit_s=MOST_S)  # type: ignore[arg-type]
    until(lambda: serving.current(folder).state == "failed", limit_s=MOST_S)
    assert folder.read().state == "failed"
    assert folder.read().ended_at is not None


def test_an_engine_that_no_supervisor_can_be_had_for_is_ended(fake: FakeEngine) -> None:
    fake(children=2)
    folder = launch_ready()
    record = folder.read()
    assert record.engine is not None
    # Whoever takes over reads the key.
    (folder.path / "key").unlink()
    kill(record.supervisor)
    until(lambda: members(record.engine) == [], limit_s=MOST_S)  # type: ignore[arg-type]
    assert serving.current(folder).state == "failed"


def test_a_removed_folder_takes_the_engine_with_its_supervisor(fake: FakeEngine) -> None:
    fake()
    folder = launch_ready()
    record = folder.read()
    assert record.engine is not None
    folder.path.rename(folder.path.parent.parent / "elsewhere")
    kill(record.supervisor)
    until(lambda: members(record.engine) == [], limit_s=MOST_S)  # type: ignore[arg-type]


TOLD = """
import json, os, subprocess, sys
from pathlib import Path
from aim_jupyter.core.serving.start import keeper
folder, *engine = sys.argv[1:]
lock = os.open(folder + "/supervisor.lock", os.O_RDWR | os.O_CREAT)
import fcntl
fcntl.flock(lock, fcntl.LOCK_EX)
Path(folder, "engine.json").touch()
reader, writer = os.pipe()
told = {"folder": folder, "engine": engine, "parent": os.getpid(), "leases": [], "report": writer,
        "stop": 15, "supervisor": ["/bin/false"], "environment": {}}
kept = subprocess.Popen([sys.executable, "-I", "-S", keeper.__file__], stdin=subprocess.PIPE,
                        pass_fds=[writer], start_new_session=True)
kept.stdin.write(json.dumps(told).encode()); kept.stdin.close(); os.close(writer)
print(json.dumps([kept.wait(), os.read(reader, 1000).decode(), keeper.WIDTH]))
"""


def kept(folder: Path, *engine: str) -> tuple[int, str]:
    """Let a keeper keep an engine; return how it ended, and what it refused."""
    argv = [sys.executable, "-c", TOLD, str(folder), *engine]
    done = subprocess.run(argv, capture_output=True, check=True, timeout=120)
    code, refused, width = json.loads(done.stdout.splitlines()[-1])
    assert (folder / "engine.json").stat().st_size in (0, width)
    return code, refused


@pytest.mark.parametrize(("code", "ends", "noted"), [("exit 7", 7, 7), ("kill -9 $$", 137, -9)])
def test_it_ends_as_the_engine_does_and_notes_how(
    tmp_path: Path, code: str, ends: int, noted: int
) -> None:
    assert kept(tmp_path, "/bin/sh", "-c", code) == (ends, "")
    told = engine.notes(tmp_path)
    assert told is not None
    assert told.code == noted


def test_what_the_engine_leaves_behind_is_ended(tmp_path: Path) -> None:
    leaves = f"sleep 600 & echo $! > {tmp_path}/left; exit 0"
    assert kept(tmp_path, "/bin/sh", "-c", leaves) == (0, "")
    assert identify(int((tmp_path / "left").read_text())) is None


def test_a_program_that_is_none_is_refused_in_words(tmp_path: Path) -> None:
    assert kept(tmp_path, "/no/such/program") == (keeper.CANT_START, "No such file or directory")
