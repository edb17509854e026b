"""What goes into a bundle."""

from __future__ import annotations

from pathlib import Path

import pytest

from aim_jupyter.core import cache, engines
from aim_jupyter.core.bundle import contents
from aim_jupyter.core.errors import ModelMissing, NoEngine
from tests.conftest import FakeEngine
from tests.hub import COMMIT, Hub, etag, model_files


def test_a_model_of_the_hub_is_known_by_its_hashes(there: str) -> None:
    made = contents.decide([(there, None), (there, None)], None)
    (model,) = made.bundle.models
    assert (model.repo, model.commit) == (there, COMMIT)
    assert model.hashes["config.json"] == etag(model_files()["config.json"])
    assert {piece.name for piece in made.pieces} == {
        f"models/0/{name}"
        for name in ("config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors")
    }
    assert made.bundle.size_bytes == sum(piece.size for piece in made.pieces)
    assert made.bundle.left_out[0] == "an engine: say --engine"


def test_what_is_not_whole_is_named(hub: Hub, there: str) -> None:
    path = cache.locate(there).path
    (Path(str(path)) / "tokenizer.json").unlink()
    with pytest.raises(ModelMissing, match=r"Org/Model lacks tokenizer\.json") as caught:
        contents.decide([(there, None)], None)
    assert caught.value.hint == "%aim cache prefetch Org/Model"


def test_an_environment_goes_without_its_interpreter(engine: str) -> None:
    made = contents.decide([], engines.choose(engine))
    names = {piece.name for piece in made.engine}
    assert "bin/tool" in names
    assert not {name for name in names if "pyvenv" in name or name.startswith("bin/python")}
    assert made.bundle.engine is not None
    assert made.bundle.engine.size_bytes == sum(piece.size for piece in made.engine)


def test_an_engine_of_somebody_else_is_not_carried(fake: FakeEngine) -> None:
    fake()
    with pytest.raises(NoEngine, match="can't be carried"):
        contents.decide([], engines.choose())


def test_own_recipes_go_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own").mkdir()
    (tmp_path / "own/mine.yaml").write_text("x: 1\n")
    monkeypatch.setenv("AIM_RECIPES_PATH", str(tmp_path / "own"))
    assert contents.decide([], None).bundle.recipes == ("recipes/0/mine.yaml",)
