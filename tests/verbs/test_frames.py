"""The DataFrame for what the core answered."""

from __future__ import annotations

from aim_jupyter.core import api
from aim_jupyter.core.request.record import Request
from aim_jupyter.tables.columns import COLUMNS
from aim_jupyter.verbs.frames import frame
from tests.render.samples import LAPTOP, MACHINE


def test_a_verb_has_its_columns_with_and_without_rows() -> None:
    assert tuple(frame("gpus", MACHINE).columns) == COLUMNS["gpus"]
    assert len(frame("gpus", MACHINE)) == len(MACHINE.gpus)
    assert tuple(frame("gpus", LAPTOP).columns) == COLUMNS["gpus"]
    assert frame("gpus", LAPTOP).empty


def test_recipes_of_one_model_are_rows_and_of_several_are_found_by_the_model() -> None:
    one = frame("recipes", api.recipe_list(Request(model="demo")))
    assert set(one["model"]) == {"demo"}
    all_of_them = frame("recipes", api.recipe_list(Request(model="")))
    assert all_of_them.index.name == "model"
    assert "demo" in all_of_them.index
