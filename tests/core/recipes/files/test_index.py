"""What the recipe files of a folder say, kept so that unchanged files are parsed once."""

from pathlib import Path

import msgspec
import pytest

from aim_jupyter.core import config
from aim_jupyter.core.recipes import Catalogue
from aim_jupyter.core.recipes.files import index
from aim_jupyter.core.recipes.files.document import Document
from aim_jupyter.core.recipes.files.reading import read
from aim_jupyter.core.records import Recipe
from tests.core.conftest import Write


def test_the_index_gives_what_parsing_gives(aim_profiles: Path) -> None:
    cold = index.entries(aim_profiles)
    warm = index.entries(aim_profiles)
    parsed = [read(Document.open(aim_profiles / one.path), Path(one.path)) for one in warm]
    assert cold == warm
    assert [one.recipe for one in warm] == parsed
    assert all(isinstance(one, Recipe) for one in parsed)


def test_a_changed_file_is_read_again(write: Write) -> None:
    text = "model: org/model\nsummary: {}\nweights: {{bf16: org/model}}\n"
    folder = write("org/model.yaml", text.format("old"))
    assert Catalogue([folder]).find("model").summary == "old"
    write("org/model.yaml", text.format("newer"))
    assert Catalogue([folder]).find("model").summary == "newer"
    (folder / "org/model.yaml").unlink()
    assert Catalogue([folder]).names == ()


def test_problems_are_kept_in_the_index_too(write: Write) -> None:
    folder = write("org/model.yaml", "model: [")
    first, second = (Catalogue([folder]).problems[0] for _ in range(2))
    assert first.lines == second.lines


@pytest.mark.parametrize("content", [b"", b"\x93\x01", b"junk" * 100])
def test_a_broken_index_is_beside_the_point(write: Write, content: bytes) -> None:
    folder = write("org/model.yaml", "model: org/model\nweights: {bf16: org/model}\n")
    assert Catalogue([folder]).names == ("org/model",)
    (kept,) = (config.state_dir() / "recipes").iterdir()
    kept.write_bytes(content)
    assert Catalogue([folder]).names == ("org/model",)


def test_without_a_state_folder_everything_still_loads(
    write: Write, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("")
    monkeypatch.setenv("AIM_STATE_DIR", str(tmp_path / "taken/state"))
    folder = write("org/model.yaml", "model: org/model\nweights: {bf16: org/model}\n")
    assert Catalogue([folder]).names == ("org/model",)


def test_hidden_folders_and_dangling_links_are_left_alone(write: Write) -> None:
    folder = write(".git/model.yaml", "model: [")
    (folder / "link.yaml").symlink_to("nowhere.yaml")
    (folder / "loop").symlink_to(".")
    found = Catalogue([folder])
    assert (found.names, found.problems) == ((), ())


def test_an_index_entry_can_be_read_back() -> None:
    entry = index.Entry("a.yaml", 1, 2, "nothing", "", msgspec.Raw(b"\xc0"))
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(entry), type=index.Entry) == entry
