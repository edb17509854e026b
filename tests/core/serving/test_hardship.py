"""Disks that are full or read-only, clocks that are set, and many servers at once."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from msgspec.structs import replace

from aim_jupyter.core import api, config, serving
from aim_jupyter.core.errors import AimError, StateUnusable
from aim_jupyter.core.records import Plan
from aim_jupyter.core.serving import ServerFolder
from aim_jupyter.core.serving.state import lock
from aim_jupyter.core.serving.state.process import alive, members
from tests.conftest import FakeEngine
from tests.waiting import DEMO, launch_ready, say, until

DAY_S = 86_400.0


def mount(*words: str) -> None:
    """Run ``mount``; who may not is told so."""
    done = subprocess.run(["mount", *words], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"mount: {done.stderr.strip()}")


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A state folder that is a disk of its own, as small as a launch accepts."""
    place = tmp_path / "disk"
    place.mkdir()
    mount("-t", "tmpfs", "-o", "size=260m,nr_inodes=4000,mode=0700", "tmpfs", str(place))
    monkeypatch.setenv("AIM_STATE_DIR", str(place))
    yield place
    for folder in serving.folders():
        serving.stop(folder, drain_s=0)
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def fill(place: Path) -> None:
    """Take all the space that is left, to the last block."""
    with (place / "filler").open("wb", buffering=0) as file:
        for size in (1 << 20, 4096):
            with contextlib.suppress(OSError):
                while True:
                    os.posix_fallocate(file.fileno(), file.seek(0, os.SEEK_END), size)


def lose_supervisor(folder: ServerFolder) -> None:
    supervisor = folder.read().supervisor
    assert supervisor is not None
    os.kill(supervisor.pid, signal.SIGKILL)
    until(lambda: not alive(supervisor))


def test_a_full_disk_stops_no_server_and_is_told_to_the_next(fake: FakeEngine, state: Path) -> None:
    fake()
    folder = launch_ready()
    engine = folder.read().engine
    assert engine is not None
    fill(state)
    assert say(folder, "still there") == "You said: still there"
    assert [view.record.state for view in api.servers()] == ["running"]
    with pytest.raises(StateUnusable, match=r"0\.0 GiB free") as caught:
        api.launch(replace(DEMO, name="another"))
    assert caught.value.hint
    assert [each.name for each in serving.folders()] == ["demo"]
    serving.stop(folder, drain_s=0)
    assert members(engine) == []
    # Still full: what was done is told all the same, and by whom.
    assert (folder.read().state, folder.read().reason) == ("stopped", f"stopped by {config.user()}")


def test_so_does_one_without_inodes(fake: FakeEngine, state: Path) -> None:
    fake()
    folder = launch_ready()
    (state / "many").mkdir()
    with contextlib.suppress(OSError):
        for number in range(10_000):
            (state / "many" / str(number)).touch()
    with pytest.raises(OSError, match="No space left"):
        (folder.path / "more").touch()
    serving.stop(folder, drain_s=0)
    assert (folder.read().state, folder.read().reason) == ("stopped", f"stopped by {config.user()}")


def test_a_supervisor_is_replaced_on_a_full_disk(fake: FakeEngine, state: Path) -> None:
    fake()
    folder = launch_ready()
    engine = folder.read().engine
    assert engine is not None
    fill(state)
    lose_supervisor(folder)
    # The record can't be written: it is the lock that says who looks after it.
    until(lambda: alive(lock.holder(folder.path)))
    assert serving.current(folder).state == "running"
    assert say(folder, "still there") == "You said: still there"
    serving.stop(folder, drain_s=0)
    assert members(engine) == []


def test_a_read_only_state_is_read_and_what_runs_can_be_stopped(
    fake: FakeEngine, state: Path
) -> None:
    fake()
    folder = launch_ready()
    engine = folder.read().engine
    assert engine is not None
    mount("--bind", str(state), str(state))
    try:
        mount("-o", "remount,bind,ro", str(state))
        assert [view.record.state for view in api.servers()] == ["running"]
        assert api.attach("demo").name == "demo"
        with pytest.raises(StateUnusable, match="Read-only file system"):
            api.launch(replace(DEMO, name="another"))
        assert any("can't be written: Read-only" in check.found for check in api.doctor())
        serving.stop(folder, drain_s=0)
        assert members(engine) == []
        assert not serving.current(folder).live
    finally:
        subprocess.run(["umount", "--lazy", str(state)], check=True)


@pytest.mark.parametrize("jump_s", [DAY_S, -DAY_S])
def test_a_clock_that_is_set_ends_nothing(fake: FakeEngine, jump_s: float) -> None:
    fake()
    folder = launch_ready(replace(DEMO, idle_s=600.0, lifetime_s=3600.0))
    supervisor = folder.read().supervisor
    assert supervisor is not None
    os.kill(supervisor.pid, signal.SIGSTOP)
    record = folder.read()
    # What the clock of before has said, seen from one that was set by a day.
    times = (record.created_at, record.ready_at, record.idle_since)
    created, ready, idle = (None if at is None else at - jump_s for at in times)
    assert created is not None
    folder.write(replace(record, created_at=created, ready_at=ready, idle_since=idle))
    os.kill(supervisor.pid, signal.SIGKILL)
    until(lambda: folder.read().supervisor != supervisor)
    until(lambda: serving.view(folder).sample is not None, limit_s=30)
    view = serving.view(folder)
    assert view.record.state == "running"
    assert 0 <= (view.uptime_s or 0) < 600
    assert 0 < (view.idle_left_s or 0) <= 600


@pytest.mark.timeout(900)
def test_sixty_four_servers_at_once(fake: FakeEngine) -> None:
    fake(children=0)
    plan = api.plan(DEMO)
    plans = [replace(plan, server=f"server-{number:02}") for number in range(64)]
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(_launch, plans))
    until(lambda: all(view.record.state != "starting" for view in api.servers()), limit_s=300)
    seen = api.servers()
    assert [view.record.state for view in seen] == ["running"] * 64
    assert len({view.record.port for view in seen}) == 64
    with ThreadPoolExecutor(8) as pool:
        stopped = list(pool.map(lambda folder: serving.stop(folder, drain_s=0), folders))
    assert {record.state for record in stopped} == {"stopped"}
    assert all(record.engine and members(record.engine) == [] for record in stopped)


def _launch(plan: Plan) -> ServerFolder:
    try:
        return serving.launch(plan)
    except AimError as error:
        raise AssertionError(error.lines) from error
