"""Weights that are read ahead: which, how far, and where not."""

from __future__ import annotations

from pathlib import Path

import pytest

from aim_jupyter.core.serving.start import readahead
from aim_jupyter.core.serving.start.readahead import ReadAhead


def model(folder: Path, *names: str, size: int = 1000) -> Path:
    folder.mkdir()
    for name in names:
        (folder / name).write_bytes(b"x" * size)
    return folder


def finished(ahead: ReadAhead) -> int:
    ahead._thread.join(60)
    ahead.stop()
    return ahead.read_bytes


def test_weights_come_in_the_order_in_which_they_are_loaded(tmp_path: Path) -> None:
    names = ["model-00002-of-00002.safetensors", "model-00001-of-00002.safetensors", "x.bin"]
    folder = model(tmp_path / "m", *names)

    found = [path.name for path in readahead.weights(folder)]

    assert found == ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]


def test_all_of_them_are_read(tmp_path: Path) -> None:
    folder = model(tmp_path / "m", "a.safetensors", "b.safetensors", size=70_000)

    ahead, reason = readahead.begin(folder)

    assert reason == ""
    assert ahead is not None
    assert finished(ahead) == 140_000


def test_no_more_is_read_than_memory_allows(tmp_path: Path) -> None:
    folder = model(tmp_path / "m", "a.safetensors", "b.safetensors", size=5000)

    assert finished(ReadAhead(readahead.weights(folder), 4000).start()) == 5000


def test_a_file_that_vanishes_or_may_not_be_read_is_passed_over(tmp_path: Path) -> None:
    folder = model(tmp_path / "m", "a.safetensors", "c.safetensors")
    files = [*readahead.weights(folder), folder / "gone.safetensors"]

    assert finished(ReadAhead(files, 1 << 20).start()) == 2000


@pytest.mark.parametrize("kind", ["nfs4", "lustre", "fuse.sshfs"])
def test_on_a_network_file_system_nothing_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(readahead, "file_system", lambda _: kind)

    ahead, reason = readahead.begin(model(tmp_path / "m", "a.safetensors"))

    assert ahead is None
    assert reason == f"the weights lie on {kind}"


def test_a_folder_without_weights_says_so(tmp_path: Path) -> None:
    assert readahead.begin(model(tmp_path / "m", "config.json")) == (None, "no weight files")


def test_the_file_systems_of_this_machine_are_known() -> None:
    assert readahead.file_system(Path("/proc/self/status")) == "proc"
    assert readahead.file_system(Path("/sys")) in ("sysfs", "")
    assert readahead.file_system(Path("/nowhere/at/all")) == readahead.file_system(Path("/"))


def test_free_memory_is_between_nothing_and_all(tmp_path: Path) -> None:
    free = readahead.free_memory_bytes()

    assert free is not None
    assert 0 < free < 1 << 50
