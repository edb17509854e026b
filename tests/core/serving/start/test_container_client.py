"""The attendant: the engine's first process on this side of a container."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from aim_jupyter.core.serving.start import container_client


def test_the_attendant_is_done_when_the_container_is_gone(tmp_path: Path) -> None:
    program, removed = tmp_path / "docker", tmp_path / "removed"
    program.write_text(
        f'#!/bin/sh\n[ "$1" = rm ] && echo "$@" > {removed} && exit\nread line\nexit 137\n'
    )
    program.chmod(0o755)
    argv = [
        sys.executable,
        "-IS",
        container_client.__file__,
        "KEY",
        str(program),
        "run",
        "--name",
        "box",
    ]
    done = subprocess.run(argv, env={"KEY": "word"}, check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL
    assert removed.read_text() == "rm --force box\n"


def test_a_client_that_reads_nothing_has_the_last_word(tmp_path: Path) -> None:
    program = tmp_path / "docker"
    program.write_text(
        '#!/bin/sh\n[ "$1" = rm ] && exit\nexec <&-\necho up\n/bin/sleep 2\nexit 125\n'
    )
    program.chmod(0o755)
    argv = [
        sys.executable,
        "-IS",
        container_client.__file__,
        "KEY",
        str(program),
        "run",
        "--name",
        "box",
    ]
    with subprocess.Popen(argv, env={"KEY": "word"}, stdout=subprocess.PIPE) as attended:
        assert attended.stdout is not None
        assert attended.stdout.readline() == b"up\n"
        attended.terminate()
        assert attended.wait(120) == 125
