"""What a whole download comes to, by the list that the Hub's library kept."""

import json
from pathlib import Path

import pytest

from aim_jupyter.core.cache import trees


def kept(folder: Path, content: str) -> str:
    (folder / trees.FOLDER).mkdir()
    (folder / trees.FOLDER / "c0.json").write_text(content)
    return str(folder)


def test_only_what_an_engine_loads_counts(tmp_path: Path) -> None:
    sizes = {"config.json": 10, "model.safetensors": 1000, "README.md": 5, "photo.png": 7}
    text = json.dumps({"files": {name: {"size": size} for name, size in sizes.items()}})
    assert trees.expected_bytes(kept(tmp_path, text), "c0", lambda _: b"") == 1010


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"files": 1}', '{"files": {"a": {"size": {}}}}'])
def test_a_list_that_is_none_says_nothing(tmp_path: Path, text: str) -> None:
    folder = kept(tmp_path, text)
    assert trees.expected_bytes(folder, "c0", lambda _: b"") is None
    assert trees.expected_bytes(folder, "other", lambda _: b"") is None
