"""Writing below one folder: nothing that lies in it leads a write elsewhere."""

from __future__ import annotations

import ast
import errno
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from aim_jupyter.core import cache, config
from aim_jupyter.core.cache import index
from aim_jupyter.core.cache.store import Store, is_plain
from aim_jupyter.core.errors import StateUnusable

CACHE = Path(cache.__file__).parent
#: What changes a file system by a path.
WRITES = {
    *("write_text", "write_bytes", "write_atomic", "write_spared", "mkdir", "makedirs", "rename"),
    *("unlink", "rmdir", "rmtree", "symlink", "symlink_to", "hardlink_to", "touch", "chmod"),
    *("extract", "extractall", "copyfile", "copytree"),
}
#: The reports of children and the folder of the whole cache: neither name comes from elsewhere.
OWN = {("fetching.py", "write_atomic"), ("packages.py", "write_atomic"), ("index.py", "mkdir")}


@pytest.fixture
def outside(tmp_path: Path) -> Path:
    """Return a folder beside the store with a file that must stay as it is."""
    folder = tmp_path / "outside"
    folder.mkdir()
    (folder / "file").write_text("kept")
    return folder


@pytest.fixture
def store(tmp_path: Path) -> Store:
    (tmp_path / "store").mkdir()
    return Store(tmp_path / "store")


def test_nothing_else_of_the_cache_writes_by_a_path() -> None:
    found = set()
    for file in CACHE.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            name = node.attr if isinstance(node, ast.Attribute) else ""
            if name in WRITES and file.name not in ("store.py", "gguf_script.py"):
                found.add((file.name, name))
    assert found - {("download.py", "unlink")} == OWN


def test_every_way_of_writing_stays_below_it(store: Store, outside: Path) -> None:
    for name in ("file", "folder"):
        (store.root / name).symlink_to(outside / "file" if name == "file" else outside)
    store.write("plain/a", b"a")
    calls: dict[str, Callable[[], object]] = {
        "open": lambda: store.open("file", os.O_WRONLY | os.O_TRUNC),
        "write": lambda: store.write("folder/file", b"x"),
        "move in": lambda: store.move("plain/a", "folder/file"),
        "move out": lambda: store.move("folder/file", "plain/b"),
        "remove": lambda: store.remove("folder/file"),
        "clear": lambda: store.clear("folder/inner"),
        "copy": lambda: store.copy("plain/a", "folder/b"),
        "link": lambda: store.link("folder/l", "x"),
        "inside": lambda: store.inside("folder").__enter__(),
        "lock": lambda: store.locked("file").__enter__(),
    }
    for name, call in calls.items():
        with pytest.raises(StateUnusable, match="can't be used below"):
            call()
        assert [each.name for each in outside.iterdir()] == ["file"], name
        assert (outside / "file").read_text() == "kept", name
    # A link is replaced or removed itself.
    store.write("file", b"new")
    store.remove("folder")
    assert (outside / "file").read_text() == "kept"


def test_what_is_cleared_takes_nothing_with_it_that_its_links_lead_to(
    store: Store, outside: Path
) -> None:
    store.write("a/b/c", b"c")
    (store.root / "a/b/link").symlink_to(outside)
    store.clear("a")
    store.clear("a")
    assert not (store.root / "a").exists()
    assert (outside / "file").read_text() == "kept"


def test_a_child_stays_in_the_folder_that_was_opened(store: Store, outside: Path) -> None:
    with store.inside("a/b") as here:
        (store.root / "a").rename(store.root / "away")
        (store.root / "a").symlink_to(outside)
        (here / "made").write_text("x")
    assert (store.root / "away/b/made").exists()
    assert [each.name for each in outside.iterdir()] == ["file"]


def test_a_write_that_fails_leaves_what_was_there_and_nothing_beside(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.write("a", b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="full"):
        store.write("a", b"new")
    assert [each.name for each in store.root.iterdir()] == ["a"]
    assert store.read("a", 10) == b"old"
    with pytest.raises(StateUnusable, match="too large"):
        store.read("a", 2)


@pytest.mark.parametrize("name", ["", "/a", "a/../b", "a//b", "C:/a", "a\\b", "a\nb", "\u202ea"])
def test_names_that_are_none(store: Store, name: str) -> None:
    assert not is_plain(name)
    with pytest.raises(StateUnusable, match="it is no name"):
        store.write(name, b"")


def test_the_index_is_not_written_through_a_link(outside: Path, isolated: Path) -> None:
    root = config.model_cache_dir()
    root.mkdir(parents=True, exist_ok=True)
    (root / index.NAME).symlink_to(outside / "file")
    assert index.read() is None
    index.note_launch(root / "models--a--b", hit=True)
    assert (outside / "file").read_text() == "kept"
    assert not (root / index.NAME).is_symlink()
    known = index.read()
    assert known is not None
    assert known.hits == 1


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_what_lies_in_a_folder_of_several_is_theirs(tmp_path: Path) -> None:
    for name, rights in (("common", 0o2775), ("own", 0o755), ("sticky", 0o1777)):
        (tmp_path / name).mkdir()
        (tmp_path / name).chmod(rights)
        os.close(Store(tmp_path / name).open("a/b/c", os.O_RDWR | os.O_CREAT))
    common = tmp_path / "common"
    assert [mode(common / each) & 0o070 for each in ("a", "a/b", "a/b/c")] == [0o070, 0o070, 0o060]
    assert mode(common / "a/b") & stat.S_ISGID
    for name in ("own", "sticky"):
        assert not mode(tmp_path / name / "a/b") & stat.S_IWGRP
        assert not mode(tmp_path / name / "a/b/c") & stat.S_IWGRP
