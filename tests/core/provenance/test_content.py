"""What files hold: by the name of a blob, else by what they hold."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from aim_jupyter.core import provenance
from aim_jupyter.core.provenance import content


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A model as a fine-tune leaves it."""
    found = tmp_path / "step-500"
    (found / "original").mkdir(parents=True)
    (found / "config.json").write_text("{}")
    (found / "model.safetensors").write_bytes(b"weights")
    (found / "original" / "params.json").write_text("{}")
    (found / "README.md").write_text("words")
    return found


def test_each_file_that_an_engine_reads_has_a_hash(folder: Path) -> None:
    hashes = content.of(folder)
    assert set(hashes) == {"config.json", "model.safetensors", "original/params.json"}
    assert hashes["model.safetensors"] == f"sha256:{hashlib.sha256(b'weights').hexdigest()}"
    assert content.of(folder / "config.json") == {"config.json": hashes["config.json"]}


def test_one_changed_byte_is_another_hash(folder: Path) -> None:
    before = content.of(folder)
    (folder / "model.safetensors").write_bytes(b"weightz")
    after = content.of(folder)
    assert {name for name in before if before[name] != after[name]} == {"model.safetensors"}
    assert provenance.damaged(folder, before) == ("model.safetensors",)
    assert provenance.damaged(folder, after) == ()


def test_a_file_is_read_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = content.of(folder)
    read: list[Path] = []

    def computed(file: Path) -> str:
        read.append(file)
        return "sha256:other"

    monkeypatch.setattr(content, "computed", computed)
    assert content.of(folder) == first
    assert read == []
    (folder / "config.json").write_text('{"a": 1}')
    assert content.of(folder)["config.json"] == "sha256:other"
    assert read == [folder / "config.json"]


def test_a_note_of_hashes_that_is_damaged_is_made_anew(folder: Path) -> None:
    first = content.of(folder)
    note = next(folder.parent.rglob("hashes.json"))
    note.write_text('{"x": 3')
    assert content.of(folder) == first


def test_a_blob_of_the_hubs_layout_says_its_hash_without_being_read(tmp_path: Path) -> None:
    text, data = b"{}", b"weights"
    git = hashlib.sha1(b"blob 2\0" + text, usedforsecurity=False).hexdigest()
    large = hashlib.sha256(data).hexdigest()
    blobs, snapshot = tmp_path / "blobs", tmp_path / "snapshots" / "abc"
    blobs.mkdir()
    snapshot.mkdir(parents=True)
    for name, hashed, held in (("config.json", git, text), ("model.safetensors", large, data)):
        (blobs / hashed).write_bytes(held)
        (snapshot / name).symlink_to(f"../../blobs/{hashed}")
    promised = content.of(snapshot)
    assert promised == {"config.json": f"git:{git}", "model.safetensors": f"sha256:{large}"}
    (blobs / large).write_bytes(b"weightz")
    (blobs / git).write_bytes(b"[]")
    assert content.of(snapshot) == promised
    assert provenance.damaged(snapshot, promised) == ("config.json", "model.safetensors")


def test_what_is_very_large_is_known_by_its_ends(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(content, "LARGEST_BYTES", 3 << 20)
    with (folder / "big.safetensors").open("wb") as file:
        file.truncate(4 << 20)
    hashed = content.computed(folder / "big.safetensors")
    assert hashed.startswith(f"ends:{4 << 20}:")
