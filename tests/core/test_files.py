"""Files that others read while they are written."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aim_jupyter.core import files
from aim_jupyter.core.errors import StateUnusable


def test_a_reader_sees_all_or_nothing(tmp_path: Path) -> None:
    path = files.private_folder(tmp_path / "servers") / "record"
    versions = [bytes([letter]) * 200_000 for letter in b"abcdef"]
    files.write_atomic(path, versions[0])
    over = threading.Event()

    def write() -> None:
        for version in versions * 10:
            files.write_atomic(path, version)
        over.set()

    writer = threading.Thread(target=write)
    writer.start()
    while not over.is_set():
        assert path.read_bytes() in versions
    writer.join()
    assert [each.name for each in path.parent.iterdir()] == ["record"]


def test_what_is_written_is_private(tmp_path: Path) -> None:
    os.umask(old := os.umask(0))
    files.write_atomic(tmp_path / "key", b"secret")
    os.umask(old)
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


def test_what_was_there_stays_where_it_cannot_be_replaced(tmp_path: Path) -> None:
    root = tmp_path / "servers"
    (root / "folder" / "inside").mkdir(parents=True)
    with pytest.raises(StateUnusable, match="Is a directory"):
        files.write_atomic(root / "folder", b"x")
    with pytest.raises(StateUnusable, match="No such file"):
        files.write_atomic(root / "nowhere" / "file", b"x")
    assert [each.name for each in root.iterdir()] == ["folder"]


def test_a_folder_is_made_private_also_when_it_was_not(tmp_path: Path) -> None:
    made = files.private_folder(tmp_path / "a" / "b")
    assert made.stat().st_mode & 0o777 == 0o700
    made.chmod(0o755)
    assert files.private_folder(made).stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("kind", ["link", "file", "dangling"])
def test_what_is_no_folder_of_ours_is_refused(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "ours"
    if kind == "file":
        path.write_text("x")
    else:
        target = tmp_path / "elsewhere"
        if kind == "link":
            target.mkdir()
        path.symlink_to(target)
    with pytest.raises(StateUnusable, match="ours") as caught:
        files.private_folder(path)
    assert "AIM_STATE_DIR" in caught.value.hint


def test_somebody_elses_folder_is_refused(tmp_path: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("giving a folder away takes root; CI has it")
    (tmp_path / "theirs").mkdir()
    os.chown(tmp_path / "theirs", 65534, 65534)
    with pytest.raises(StateUnusable, match="belongs to another user"):
        files.private_folder(tmp_path / "theirs")


HOLD = """
import sys, time
from pathlib import Path
from aim_jupyter.core import files
with files.locked(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(float(sys.argv[2]))
"""


def test_a_lock_is_exclusive_and_ends_with_its_process(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen([*command, "60"], stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        got = threading.Event()

        def take() -> None:
            with files.locked(path):
                got.set()

        taker = threading.Thread(target=take)
        taker.start()
        time.sleep(0.2)
        assert not got.is_set()
        holder.kill()
        assert got.wait(60)
        taker.join()


def test_a_lock_that_cannot_be_had_is_told(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "anything")
    for path in (tmp_path / "nowhere" / "lock", tmp_path / "link"):
        with pytest.raises(StateUnusable), files.locked(path):
            pass
    assert not (tmp_path / "anything").exists()


def test_an_error_inside_of_a_lock_stays_what_it_is(tmp_path: Path) -> None:
    with pytest.raises(FileExistsError), files.locked(tmp_path / "lock"):
        raise FileExistsError
    with files.locked(tmp_path / "lock"):
        pass


@pytest.mark.parametrize(
    ("text", "lines", "expected"),
    [
        ("", 3, []),
        ("one", 3, ["one"]),
        ("one\ntwo\nthree\n", 2, ["two", "three"]),
        ("10%\r50%\r100%\ndone\n", 2, ["100%", "done"]),
        ("one\n\n \n\n", 1, ["one"]),
        ("one\ntwo\n", 0, []),
        ("one\ntwo\n", -1, []),
        ("caf\u00e9\n", 1, ["caf\u00e9"]),
    ],
)
def test_the_tail_is_the_last_lines(
    tmp_path: Path, text: str, lines: int, expected: list[str]
) -> None:
    (tmp_path / "log").write_text(text)
    assert files.tail(tmp_path / "log", lines) == expected


def test_blank_lines_do_not_hide_the_ones_before(tmp_path: Path) -> None:
    (tmp_path / "log").write_text("the cause\nthe end\n" + "\n" * 300_000)
    assert files.tail(tmp_path / "log", 2) == ["the cause", "the end"]


def test_a_missing_file_has_no_tail_and_a_folder_is_told(tmp_path: Path) -> None:
    assert files.tail(tmp_path / "nothing", 5) == []
    with pytest.raises(StateUnusable, match="Is a directory"):
        files.tail(tmp_path, 5)


@settings(
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    max_examples=60,
)
@given(
    pieces=st.lists(st.sampled_from(["a", "bc\n", "\n", "\r", "é", " ", "x" * 40_000])),
    lines=st.integers(1, 8),
)
def test_a_tail_from_the_end_is_the_tail_of_the_whole(
    tmp_path: Path, pieces: list[str], lines: int
) -> None:
    data = "".join(pieces).encode()
    (tmp_path / "log").write_bytes(data)
    whole = [line for line in data.decode().replace("\r", "\n").split("\n") if line.strip()]
    assert files.tail(tmp_path / "log", lines) == whole[-lines:]


def test_a_table_is_read_as_the_kind_that_it_should_be(tmp_path: Path) -> None:
    path = tmp_path / "some.toml"
    path.write_text("[a]\nb = [1, 2]\n")
    assert files.table(path, dict[str, dict[str, tuple[int, ...]]]) == {"a": {"b": (1, 2)}}
    for wrong in ("a = [", "a = 1", "\udcff"):
        path.write_bytes(wrong.encode("utf-8", "surrogateescape"))
        with pytest.raises(files.UNREADABLE):
            files.table(path, dict[str, dict[str, int]])


def test_a_file_beyond_its_bound_is_not_read(tmp_path: Path) -> None:
    file = tmp_path / "tokenizer.json"
    with file.open("wb") as large:
        large.truncate(2 << 30)
    with pytest.raises(ValueError, match="larger than 48 MiB"):
        files.read_bounded(file)
    file.write_bytes(b"{}")
    assert files.read_bounded(file) == b"{}"
