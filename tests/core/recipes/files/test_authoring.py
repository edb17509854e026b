"""A user's own recipe file."""

from pathlib import Path
from typing import Any

import pytest

from aim_jupyter.core.errors import RecipeInvalid
from aim_jupyter.core.recipes import Catalogue, catalogue
from aim_jupyter.core.recipes.files.authoring import check, new
from tests.core.conftest import Write, box, laptop, rank
from tests.core.recipes.files.test_document import GOOD, problem


def test_a_file_may_be_for_an_engine_of_another_package_and_a_check_says_where_it_is_not_here(
    write: Write,
) -> None:
    text = GOOD.replace("  name: mine\n", "  name: mine\n  engine: acme\n")
    folder = write("org/model.yaml", text)
    catalogue = Catalogue([folder])
    assert catalogue.problems == ()
    engines = {recipe.engine for recipe in catalogue.find("org/model").recipes}
    assert engines == {"vllm", "acme"}
    with pytest.raises(RecipeInvalid, match=r"an engine that is known: vllm.*acme"):
        check(folder / "org/model.yaml")
    assert "engine" in problem(write, text.replace("acme", "'A C'"))


@pytest.mark.parametrize(
    ("model", "machine"),
    [("Qwen/Qwen3-32B", box()), ("qwen3-0.6b", laptop(8)), ("gpt-oss-120b", box("MI355X", 1))],
)
def test_a_recipe_of_ones_own_starts_from_the_chosen_one(
    tmp_path: Path, model: str, machine: Any
) -> None:
    found = catalogue().find(model)
    recipe = rank(found, machine)[0].recipe
    path = tmp_path / f"{found.name}.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(new(found, recipe))
    (mine,) = check(path).recipes
    assert mine.id == f"{recipe.gpu_model.lower()}-{recipe.precision}-tp{recipe.tp}-mine"
    assert (mine.args, mine.env, mine.weights.repo) == (
        recipe.args, recipe.env, recipe.weights.repo,
    )  # fmt: skip
    assert (mine.tp, mine.memory_bytes is None) == (recipe.tp, recipe.memory_bytes is None)
    merged = Catalogue([catalogue_folder(), tmp_path]).find(model)
    assert rank(merged, machine)[0].recipe.id == mine.id


def catalogue_folder() -> Path:
    return Path(catalogue().find("demo").file).parents[1]
