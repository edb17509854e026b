"""Who is in charge of a server: whoever holds the lock of its folder."""

from __future__ import annotations

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from aim_jupyter.core import serving
from aim_jupyter.core.errors import StateUnusable
from aim_jupyter.core.records import ProcessId
from aim_jupyter.core.serving.state import lock
from aim_jupyter.core.serving.state.process import identify, members
from tests.conftest import FakeEngine
from tests.waiting import LIMIT_S, kill, launch_ready, until


def test_a_folder_without_its_lock_is_unknown_while_its_engine_runs(fake: FakeEngine) -> None:
    fake()
    folder = launch_ready()
    record = folder.read()
    assert record.engine is not None
    (folder.path / lock.NAME).rename(folder.path / "away")
    # Stopped, or it ends its engine as soon as it sees that nobody can supervise that.
    os.kill(record.engine.pid, signal.SIGSTOP)
    kill(record.supervisor)
    assert serving.current(folder).state == "unknown"
    with ThreadPoolExecutor(1) as beside:
        stopping = beside.submit(serving.stop, folder)
        until(lambda: told_to_end(record.engine))
        os.kill(record.engine.pid, signal.SIGCONT)
        assert stopping.result(LIMIT_S).state == "stopped"
    assert members(record.engine) == []


def told_to_end(process: ProcessId | None) -> bool:
    """Whether SIGTERM waits for a process that is stopped (``proc(5)``: ``ShdPnd``)."""
    assert process is not None
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    pending = next(line.split()[1] for line in lines if line.startswith("ShdPnd:"))
    return bool(int(pending, 16) & 1 << signal.SIGTERM - 1)


def me() -> ProcessId:
    found = identify(os.getpid())
    assert found is not None
    return found


def test_one_is_in_charge_and_whoever_signs_is_known(tmp_path: Path) -> None:
    lock.prepare(tmp_path)
    assert lock.holder(tmp_path) is None
    first = lock.take(tmp_path)
    assert first is not None
    assert lock.take(tmp_path) is None
    lock.sign(first, me())
    assert lock.holder(tmp_path) == me()
    os.close(first)
    second = lock.take(tmp_path)
    assert second is not None
    lock.sign(second, ProcessId(1, 2, "b"))  # shorter than the one before
    assert lock.holder(tmp_path) == ProcessId(1, 2, "b")
    os.close(second)


def test_the_lock_of_a_folder_that_was_replaced_is_no_charge_of_the_new_one(tmp_path: Path) -> None:
    old, new = tmp_path / "a", tmp_path / "b"
    for folder in (old, new):
        folder.mkdir()
        lock.prepare(folder)
    held = lock.take(old)
    assert held is not None
    assert lock.belongs(held, old)
    assert not lock.belongs(held, new)
    assert not lock.belongs(held, tmp_path / "gone")
    os.close(held)


@pytest.mark.parametrize("content", [b"", b"{", b"\xff", b"[1]", b'{"pid": "x"}'])
def test_nonsense_in_the_file_names_nobody(tmp_path: Path, content: bytes) -> None:
    (tmp_path / lock.NAME).write_bytes(content)
    assert lock.holder(tmp_path) is None


def test_a_folder_without_a_lock_can_not_be_taken_charge_of(tmp_path: Path) -> None:
    with pytest.raises(StateUnusable, match="No such file"):
        lock.take(tmp_path)
    (tmp_path / "other").touch()
    (tmp_path / lock.NAME).symlink_to("other")
    with pytest.raises(StateUnusable):
        lock.take(tmp_path)
