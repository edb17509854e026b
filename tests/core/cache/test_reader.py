"""One repository, read as it lies there."""

from __future__ import annotations

import os
from pathlib import Path

from aim_jupyter.core.cache.reader import LARGE, Reader, entries
from tests.core.cache.folders import COMMIT, WHOLE, cached


def test_a_repository_of_the_hub_is_read_with_what_no_revision_refers_to() -> None:
    folder = cached("Org/Model", *WHOLE)
    (folder / "blobs" / "stray").write_bytes(bytes(7))
    (folder / "blobs" / "later.incomplete").write_bytes(b"x" * 5000)
    repo = Reader(str(folder)).hub("Org/Model", "model")
    assert [one.commit for one in repo.revisions] == [COMMIT]
    assert repo.stray == ((str(folder / "blobs" / "stray"), 7),)
    assert [(Path(path).name, size) for path, size in repo.unfinished] == [
        ("later.incomplete", 5000)
    ]
    assert repo.inode == folder.stat().st_ino


def test_a_link_that_leads_nowhere_is_missing_and_not_counted() -> None:
    folder = cached("Org/Model", *WHOLE)
    (folder / "blobs" / "config.json").unlink()
    (revision,) = Reader(str(folder)).hub("Org/Model", "model").revisions
    assert revision.dangling == ("config.json",)
    assert "config.json" in revision.missing


def test_plain_files_are_one_revision_without_a_commit(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / ".cache").mkdir()
    (tmp_path / ".cache" / "note").write_text("of huggingface_hub")
    (tmp_path / ".DS_Store").write_text("of a system")
    repo = Reader(str(tmp_path)).plain("Org/Model")
    assert [(one.commit, one.files) for one in repo.revisions] == [(None, 1)]


def test_large_files_are_noted_where_their_link_leads() -> None:
    folder = cached("Org/Model", *WHOLE)
    blob = folder / "blobs" / "model.safetensors"
    os.truncate(blob, LARGE)
    reader = Reader(str(folder))
    reader.hub("Org/Model", "model")
    assert [(path, size) for path, size, _ in reader.large] == [(str(blob), LARGE)]


def test_a_folder_that_is_not_there_is_empty(tmp_path: Path) -> None:
    assert entries(str(tmp_path / "none")) == []
