"""What ships with the package, and how the folders of a user go on top."""

from pathlib import Path

import pytest

from aim_jupyter.core import config
from aim_jupyter.core.devices import kinds
from aim_jupyter.core.errors import UnknownName
from aim_jupyter.core.recipes import Catalogue, catalogue, complete
from tests.core.conftest import Write

#: AMD's catalogue: facts/aim.md section 3.
AMD = (
    "CohereLabs/command-a-reasoning-08-2025", "Qwen/Qwen3-235B-A22B", "Qwen/Qwen3-32B",
    "meta-llama/Llama-3.1-405B-Instruct", "meta-llama/Llama-3.1-8B-Instruct",
    "meta-llama/Llama-3.2-1B-Instruct", "meta-llama/Llama-3.2-3B-Instruct",
    "meta-llama/Llama-3.3-70B-Instruct", "mistralai/Mistral-Small-3.2-24B-Instruct-2506",
    "mistralai/Mixtral-8x22B-Instruct-v0.1", "mistralai/Mixtral-8x7B-Instruct-v0.1",
    "openai/gpt-oss-120b", "openai/gpt-oss-20b",
)  # fmt: skip


def test_all_shipped_files_are_good(shipped: Catalogue) -> None:
    assert shipped.problems == ()
    assert len(shipped.names) >= 80
    assert set(AMD) <= set(shipped.names)


def test_a_file_lies_where_its_model_says(shipped: Catalogue) -> None:
    for model in shipped.models:
        below = Path(model.file).relative_to(config.shipped_recipes())
        assert below == Path("aim/demo.yaml" if model.name == "demo" else f"{model.name}.yaml")


def test_every_stated_recipe_says_where_it_is_from(shipped: Catalogue) -> None:
    for model in shipped.models:
        for recipe in model.recipes:
            assert recipe.source, recipe.id
            assert recipe.origin in ("amd-validated", "published", "measured"), recipe.id


def test_every_model_with_an_architecture_has_recipes_for_every_gpu(shipped: Catalogue) -> None:
    gpus = {"MI250X", "MI300A", "MI300X", "MI308X", "MI325X", "MI350X", "MI355X"}
    for name in AMD:
        model = complete(shipped.find(name), kinds())
        assert gpus <= {recipe.gpu_model for recipe in model.recipes}, name


def test_ids_are_unique_within_a_model(shipped: Catalogue) -> None:
    for model in shipped.models:
        ids = [recipe.id for recipe in complete(model, ("cpu", *kinds())).recipes]
        assert len(ids) == len(set(ids)), model.name


def test_no_recipe_runs_code_of_a_repository_unless_its_tokenizer_is_such(
    shipped: Catalogue,
) -> None:
    trusting = {
        model.name
        for model in shipped.models
        for recipe in model.recipes
        if "trust-remote-code" in recipe.args
    }
    assert all(name.startswith("moonshotai/Kimi") for name in trusting)


@pytest.mark.parametrize("name", ["Qwen/Qwen3-32B", "qwen/qwen3-32b", "qwen3-32b", "Qwen3-32B"])
def test_find_by_any_case_or_the_last_part(shipped: Catalogue, name: str) -> None:
    assert shipped.find(name).name == "Qwen/Qwen3-32B"


def test_an_unknown_name_gets_the_nearest(shipped: Catalogue) -> None:
    with pytest.raises(UnknownName) as error:
        shipped.find("Qwen/Qwen3-32")
    assert "Qwen/Qwen3-32B" in error.value.nearest


def test_a_last_part_that_two_have_is_not_guessed(write: Write) -> None:
    text = "model: {0}/same\nweights: {{bf16: {0}/same}}\n"
    write("a/same.yaml", text.format("a"))
    folder = write("b/same.yaml", text.format("b"))
    with pytest.raises(UnknownName) as error:
        Catalogue([folder]).find("same")
    assert set(error.value.nearest) == {"a/same", "b/same"}


def test_a_folder_of_the_user_comes_on_top(write: Write, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = write(
        "Qwen/Qwen3-32B.yaml",
        """\
        model: Qwen/Qwen3-32B
        weights: {fp16: Qwen/Qwen3-32B}
        settings:
        - {gpu: MI300X, weights: fp16, args: {max-num-seqs: 7}}
        - {gpu: MI300X, weights: fp16, name: mine}
        """,
    )
    before = catalogue().find("qwen3-32b")
    monkeypatch.setenv("AIM_RECIPES_PATH", f"{folder}:/no/such/folder")
    model = catalogue().find("qwen3-32b")
    recipes = {recipe.id: recipe for recipe in model.recipes}
    assert recipes["mi300x-fp16-tp1"].args == {"max-num-seqs": 7}
    assert "mi300x-fp16-tp1-mine" in recipes
    assert len(recipes) == len(before.recipes) + 1
    assert (model.facts, model.licence) == (before.facts, before.licence)
