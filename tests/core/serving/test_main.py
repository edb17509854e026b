"""The supervisor as a program."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from aim_jupyter.core.serving.state import lock
from aim_jupyter.core.serving.supervisor import spawn


def run(folder: Path, handle: int) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "aim_jupyter.core.serving", str(folder), str(handle)],
        env=spawn.environment(),
        pass_fds=(handle,),
        capture_output=True,
        check=False,
        timeout=120,
    )


def test_without_the_folders_lock_it_takes_no_charge(tmp_path: Path) -> None:
    lock.prepare(tmp_path)
    (tmp_path / "other").touch()
    handle = os.open(tmp_path / "other", os.O_RDWR)
    done = run(tmp_path, handle)
    os.close(handle)
    assert (done.returncode, done.stdout) == (1, b"")
    assert lock.holder(tmp_path) is None


def test_a_folder_without_a_record_is_told_and_the_lock_is_free_again(tmp_path: Path) -> None:
    lock.prepare(tmp_path)
    handle = lock.take(tmp_path)
    assert handle is not None
    done = run(tmp_path, handle)
    os.close(handle)
    assert done.returncode == 1
    assert b"server.json" in done.stderr
    again = lock.take(tmp_path)
    assert again is not None
    os.close(again)
