"""Starting a supervisor, by whoever has the lock."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from aim_jupyter.core.errors import StateUnusable
from aim_jupyter.core.serving import ServerFolder
from aim_jupyter.core.serving.start.engine import PACKAGE
from aim_jupyter.core.serving.supervisor import spawn


def opened(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT, 0o600)


def closed(handle: int) -> bool:
    try:
        os.fstat(handle)
    except OSError:
        return True
    return False


def test_a_supervisor_finds_this_package_whatever_the_folder_is(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PYTHONPATH", "/mine")
    found = spawn.environment()
    assert found["PYTHONPATH"] == os.pathsep.join(["/mine", PACKAGE])
    assert found["PYTHONSAFEPATH"] == "1"
    monkeypatch.delenv("PYTHONPATH")
    assert spawn.environment()["PYTHONPATH"] == PACKAGE


def test_one_that_does_not_take_charge_is_told_with_its_last_words(tmp_path: Path) -> None:
    handle = opened(tmp_path / "some.lock")  # not that of the folder
    with pytest.raises(StateUnusable, match="did not start") as caught:
        spawn.start(ServerFolder(tmp_path), handle)
    assert caught.value.hint == f"look into {tmp_path}/supervisor.log"
    assert closed(handle)


def test_where_nothing_can_be_written_that_is_told_and_the_lock_is_let_go(tmp_path: Path) -> None:
    (tmp_path / "supervisor.log").mkdir()
    handle = opened(tmp_path / "supervisor.lock")
    with pytest.raises(StateUnusable, match=r"supervisor\.log: Is a directory"):
        spawn.start(ServerFolder(tmp_path), handle)
    assert closed(handle)
