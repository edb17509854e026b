"""Policy aim: AMD's own rules over AMD's own files, and what their folders may hold."""

from collections import Counter
from itertools import product

import pytest

from aim_jupyter.core.choice.amd_rules import Question, select
from aim_jupyter.core.recipes import Catalogue
from aim_jupyter.core.records import Recipe
from tests.core.recipes.test_catalogue import AMD

GPUS = ("MI250X", "MI300X", "MI325X", "MI350X", "MI355X")
COUNTS, METRICS = (1, 2, 4, 8), ("latency", "throughput")

#: Where AMD's image finds a profile on MI300X as shipped: facts/aim.md section 4. The letter is
#: of the only metric that works.
SHIPPED = {
    "CohereLabs/command-a-reasoning-08-2025": "2 4 8",
    "Qwen/Qwen3-235B-A22B": "8",
    "Qwen/Qwen3-32B": "1",
    "meta-llama/Llama-3.1-405B-Instruct": "8",
    "meta-llama/Llama-3.1-8B-Instruct": "1 2",
    "meta-llama/Llama-3.2-1B-Instruct": "1T",
    "meta-llama/Llama-3.2-3B-Instruct": "1",
    "meta-llama/Llama-3.3-70B-Instruct": "1 2T",
    "mistralai/Mistral-Small-3.2-24B-Instruct-2506": "1 2",
    "mistralai/Mixtral-8x22B-Instruct-v0.1": "8T",
    "mistralai/Mixtral-8x7B-Instruct-v0.1": "1",
    "openai/gpt-oss-120b": "1 2 4 8",
    "openai/gpt-oss-20b": "1 2 4 8T",
}


def ask(catalogue: Catalogue, model: str = "org/m", **asked: object) -> Recipe | None:
    question = {"gpu": "MI300X", "gpu_count": 1} | asked
    return select(catalogue.registry(model), Question(model=model, **question)).recipe  # type: ignore[arg-type]


def test_all_of_amds_files_come_in(amd: Catalogue) -> None:
    recipes = {
        (recipe.model, recipe.id): recipe for model in amd.models for recipe in model.recipes
    }
    own = [one for one in recipes.values() if not one.id.startswith("general/")]
    general = {one.id for one in recipes.values() if one.id.startswith("general/")}
    assert amd.problems == ()
    assert (len(own), len(general)) == (154, 16)
    assert Counter(one.gpu_model for one in own) == {"MI300X": 70, "MI325X": 68, "MI250X": 16}


@pytest.mark.parametrize("fallback", [False, True])
def test_every_cell_is_answered_as_amd_answers_it(amd: Catalogue, *, fallback: bool) -> None:
    for model, gpu, count, metric in product(AMD, GPUS, COUNTS, METRICS):
        found = ask(amd, model, gpu=gpu, gpu_count=count, metric=metric, fallback=fallback)
        own = gpu == "MI300X" and _works(model, count, metric)
        precision = {"openai": "mxfp4"}.get(model.split("/")[0])
        if own:
            assert found is not None
            assert found.id.startswith("vllm-mi300x-")
            assert found.id.endswith(f"-tp{count}-{metric}")
            assert precision is None or precision in found.id
        elif fallback and gpu in ("MI300X", "MI325X"):
            assert found is not None
            assert found.id == f"general/vllm-{gpu.lower()}-fp16-tp{count}-{metric}"
            assert found.weights.repo == model
        else:
            assert found is None


def _works(model: str, count: int, metric: str) -> bool:
    words = SHIPPED[model].split()
    return str(count) in words or (f"{count}T" in words and metric == "throughput")


def test_the_published_totals(amd: Catalogue) -> None:
    cells = list(product(AMD, GPUS, COUNTS, METRICS))
    for fallback, total in ((False, 44), (True, 208)):
        found = [
            ask(amd, model, gpu=gpu, gpu_count=count, metric=metric, fallback=fallback)
            for model, gpu, count, metric in cells
        ]
        assert (len(cells), sum(one is not None for one in found)) == (520, total)
