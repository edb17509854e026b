"""Plans and recipes as files."""

from __future__ import annotations

from pathlib import Path

import pytest

from aim_jupyter.core import api
from aim_jupyter.core.errors import BadUsage, UnknownName
from aim_jupyter.core.request import Request
from tests.conftest import FakeEngine


def test_a_recipe_of_ones_own_is_a_good_one(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(api.new_recipe("Qwen/Qwen3-8B", "mi300x-bf16-tp1"))
    model = api.check_recipe(file)
    assert model.name == "Qwen/Qwen3-8B"
    assert [recipe.gpu_model for recipe in model.recipes] == ["MI300X"]


def test_what_is_not_there_can_be_no_start() -> None:
    with pytest.raises(UnknownName, match="no recipe 'mi300x-bf16-tp9000'"):
        api.new_recipe("Qwen/Qwen3-8B", "mi300x-bf16-tp9000")


def test_there_are_only_so_many_forms(fake: FakeEngine) -> None:
    fake()
    with pytest.raises((BadUsage, UnknownName)):
        api.export(Request(model="demo"), "papyrus")
