"""Where the sockets of a server lie."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from aim_jupyter.core import serving
from aim_jupyter.core.request import Request
from aim_jupyter.core.serving.start import sockets
from tests.conftest import FakeEngine
from tests.waiting import launch_ready


@pytest.fixture(autouse=True)
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Give the test a temporary folder of its own: pytest's have long names."""
    with tempfile.TemporaryDirectory(dir="/tmp") as place:
        monkeypatch.setattr("tempfile.tempdir", place)
        yield Path(place)


def test_the_processes_of_an_engine_meet_in_a_closed_folder(tmp_path: Path) -> None:
    place = sockets.make(tmp_path)
    assert place == sockets.meeting(tmp_path)
    assert place.stat().st_mode & 0o777 == 0o700
    (place / "left").touch()

    assert sockets.make(tmp_path) == place
    assert list(place.iterdir()) == [], "an earlier engine's are gone"
    sockets.clear(tmp_path)
    assert not place.exists()
    sockets.clear(tmp_path)


def test_a_name_that_is_taken_is_left_alone(tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "somebody's").touch()
    sockets.meeting(tmp_path).symlink_to(elsewhere)

    assert sockets.make(tmp_path) is None
    sockets.clear(tmp_path)
    assert [file.name for file in elsewhere.iterdir()] == ["somebody's"]


def test_where_the_path_is_too_long_for_a_socket_another_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / ("long" * 20)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))

    place = sockets.make(tmp_path)
    assert place is not None
    assert place.parent == Path("/tmp")
    assert list(long.iterdir()) == []
    sockets.clear(tmp_path)
    assert not place.exists()
    monkeypatch.setattr(sockets, "_SHORT", ())
    assert sockets.make(tmp_path) is None


def test_an_engine_is_told_where_and_a_stop_removes_it(
    fake: FakeEngine, monkeypatch: pytest.MonkeyPatch, temporary: Path
) -> None:
    monkeypatch.setenv("TMPDIR", str(temporary))
    fake()
    folder = launch_ready(Request(model="demo"))
    engine = folder.read().engine
    assert engine is not None
    told = Path(f"/proc/{engine.pid}/environ").read_text().split("\0")

    place = sockets.meeting(folder.path)
    assert f"VLLM_RPC_BASE_PATH={place}" in told
    assert place.is_dir()
    assert serving.stop(folder, drain_s=0).state == "stopped"
    assert not place.exists()
