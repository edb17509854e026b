"""The one seam between the detection and a file system."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core.gpus import inventory, tree
from aim_jupyter.core.gpus.tree import DiskTree, Reader, decimal

from . import trees
from .trees import MemoryTree


def test_a_number_that_was_cut_short_is_not_believed() -> None:
    path = f"{trees.NODES}/2/properties"
    spx = MemoryTree(trees.mi300x(2))
    whole = spx.files[path]
    cut = whole[: whole.index(b"num_xcc")] + b"num_xcc 1"  # of what could have been 16
    reader = Reader(spx.damaged({path: cut}))
    assert inventory.gpus(reader)[0].num_xcc is None
    assert any("cut short" in note for note in reader.notes)


def test_what_is_absent_is_no_remark_and_what_is_denied_is_one() -> None:
    reader = Reader(MemoryTree({"a": b"1\n", "b": b"2\n"}).damaged({"b": errno.EACCES}))
    assert (reader.text("a"), reader.text("none"), reader.names("none")) == ("1", None, [])
    assert not reader.notes
    assert reader.text("b") is None
    assert list(reader.notes) == ["/b: Permission denied"]
    assert reader.denied == {"b"}


def test_what_is_not_text_is_unknown_and_told_once() -> None:
    reader = Reader(MemoryTree({"a": b"\xff\xfe\n", "empty": b" \n"}))
    assert [reader.text("a"), reader.text("a"), reader.text("empty")] == [None, None, None]
    assert list(reader.notes) == ["/a: not text"]


def test_properties_are_the_lines_that_hold_a_number() -> None:
    content = b"simd_count 304\nname gfx\nhive_id 18446744073709551615\nbad -1\n"
    found = Reader(MemoryTree({"p": content})).pairs("p")
    assert found == {"simd_count": 304, "hive_id": (1 << 64) - 1}


@given(st.integers(0, tree.U64))
def test_a_plain_number_is_read(number: int) -> None:
    assert decimal(str(number)) == number


@pytest.mark.parametrize("text", [None, "", "-1", "+1", "1_0", "1.0", "\u0663", " 1", "9" * 30])
def test_what_is_no_plain_number_is_none(text: str | None) -> None:
    assert decimal(text) is None
    assert decimal("101", 100) is None


def test_a_pipe_in_place_of_a_file_does_not_hang_and_a_long_file_is_cut(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with (tmp_path / "long").open("wb") as file:
        file.truncate(1 << 20)
    disk = DiskTree(tmp_path)
    assert disk.read("pipe") == b""
    assert len(disk.read("long")) == tree.LONGEST


def test_links_are_told_and_names_that_are_none_of_the_kernels_left_out(tmp_path: Path) -> None:
    place = tmp_path / "tree"
    place.mkdir()
    (place / "link").symlink_to("../somewhere")
    (place / "\u00b2").touch()
    reader = Reader(DiskTree(place))
    assert reader.target("link") == "../somewhere"
    assert reader.target("none") is None
    assert reader.names("") == ["link"]
