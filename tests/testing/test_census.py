"""All processes of one run, found by a mark."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from aim_jupyter.testing.census import MARK, Seen, census

UP = "print('up', flush=True); import time; time.sleep(600)"


@contextmanager
def running(run: str, *words: str, folder: Path | None = None) -> Iterator[int]:
    with subprocess.Popen(
        [sys.executable, "-c", UP, *words],
        env={**os.environ, MARK: run},
        cwd=folder,
        stdout=subprocess.PIPE,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield process.pid
        process.kill()


def test_only_what_bears_the_mark_is_counted(tmp_path: Path) -> None:
    run = str(tmp_path)
    with running(run) as mine, running(run + "x"):
        assert census(run) == [Seen(mine, "other", "")]
    assert census(run) == []


def test_each_is_told_by_its_line_and_its_folder(tmp_path: Path) -> None:
    run, folder = str(tmp_path), tmp_path / "servers" / "demo"
    folder.mkdir(parents=True)
    lines = {
        "kernel": ["-m", "aim_jupyter.testing.kernel"],
        "supervisor": ["-m", "aim_jupyter.core.serving", str(folder)],
        "keeper": ["/x/serving/keeper.py"],
        "api": ["-m", "vllm.entrypoints.openai.api_server"],
        "worker": ["VLLM::EngineCore"],
    }
    for role, words in lines.items():
        with running(run, *words, folder=folder) as pid:
            assert census(run) == [Seen(pid, role, "" if role == "kernel" else "demo")]  # type: ignore[arg-type]


def test_a_folder_that_was_removed_still_names_its_server(tmp_path: Path) -> None:
    folder = tmp_path / "servers" / "demo"
    folder.mkdir(parents=True)
    with running(str(tmp_path), folder=folder):
        folder.rmdir()
        assert [each.server for each in census(str(tmp_path))] == ["demo"]
