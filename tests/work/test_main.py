"""A run in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from aim_jupyter.core.errors import UnknownName
from aim_jupyter.work import runs
from aim_jupyter.work.__main__ import main
from aim_jupyter.work.runs import RunFolder
from tests.render.runs import RUN


@pytest.fixture
def folder(isolated: Path) -> RunFolder:
    return runs.folder_for("1a2b3c", RUN)


def test_what_another_process_works_on_is_left_to_it(folder: RunFolder) -> None:
    with folder.held():
        assert main([folder.id]) == 0


@pytest.mark.usefixtures("isolated")
def test_a_run_that_is_not_there_is_unknown() -> None:
    with pytest.raises(UnknownName, match="m-none"):
        main(["m-none"])


def test_what_ends_it_stands_in_two_lines_in_its_log(folder: RunFolder) -> None:
    begun = subprocess.run(
        [sys.executable, "-m", "aim_jupyter.work", folder.id],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    # The pipe ends with the process that went on.
    assert "Traceback" not in begun.stdout + begun.stderr
    assert "demo" in begun.stdout
    assert len(begun.stdout.splitlines()) == 2
    assert not folder.working
    assert folder.read().reason == "There is no server 'demo'."
