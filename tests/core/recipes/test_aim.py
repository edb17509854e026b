"""Policy aim: AMD's own rules over AMD's own files, and what their folders may hold."""

from collections import Counter
from itertools import product
from pathlib import Path

import pytest

from aim_jupyter.core.choice import amd_rules
from aim_jupyter.core.choice.amd_rules import Question, select
from aim_jupyter.core.recipes import Catalogue
from aim_jupyter.core.records import Machine, Recipe
from tests.core.conftest import Write, box, gpus
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

PROFILE = """\
aim_id: {aim_id}
model_id: {aim_id}
metadata:
  engine: vllm
  gpu: MI300X
  precision: {precision}
  gpu_count: {count}
  metric: latency
  manual_selection_only: {manual}
  type: {type}
engine_args: {{max-num-seqs: 8, enable-log-requests: false}}
env_vars: {{VLLM_ROCM_USE_AITER: '1'}}
"""


def profile(**facts: object) -> str:
    usual = {
        "aim_id": "org/m",
        "precision": "fp16",
        "count": 1,
        "manual": "false",
        "type": "optimized",
    }
    return PROFILE.format(**usual | facts)


def ask(catalogue: Catalogue, model: str = "org/m", **asked: object) -> Recipe | None:
    question = {"gpu": "MI300X", "gpu_count": 1} | asked
    return select(catalogue.registry(model), Question(model=model, **question)).recipe  # type: ignore[arg-type]


@pytest.fixture
def amd(aim_profiles: Path) -> Catalogue:
    return Catalogue([aim_profiles])


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


def test_the_sentence_of_amds_selector_and_what_it_leaves_out(amd: Catalogue) -> None:
    question = Question(model="Qwen/Qwen3-32B", gpu="MI300X", gpu_count=2)
    said = amd_rules.not_found(question, select(amd.registry("Qwen/Qwen3-32B"), question))
    assert "2 model_mismatch" in said
    assert "13 gpu_mismatch" in said
    assert "16 metric_mismatch" in said
    assert "manual-only: vllm-mi300x-fp8-tp2-latency, vllm-mi300x-fp16-tp2-latency" in said


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, "vllm-mi300x-fp8-tp1-latency"),
        ({"precision": "fp16"}, "vllm-mi300x-fp16-tp1-latency"),
        ({"precision": "bf16"}, None),
        ({"precision": "bf16", "fallback": True}, None),
        ({"gpu_count": 3, "fallback": True}, None),
        ({"engine": "sglang"}, None),
        ({"gpu": "NONE", "gpu_count": 0}, None),
        ({"gpu": "UNKNOWN"}, None),
        ({"profile_id": "vllm-mi325x-fp8-tp2-latency"}, "vllm-mi325x-fp8-tp2-latency"),
        ({"profile_id": "nonsense"}, None),
    ],
)
def test_edges_of_amds_rules(amd: Catalogue, asked: dict[str, object], found: str | None) -> None:
    recipe = ask(amd, "meta-llama/Llama-3.1-8B-Instruct", **asked)
    assert (recipe.id if recipe else None) == found


def test_custom_outranks_and_precision_beats_type(write: Write) -> None:
    folder = write("org/m/a.yaml", profile(precision="fp8", type="unoptimized"))
    write("org/m/b.yaml", profile(precision="fp16", type="optimized"))
    assert _id(folder) == "a"
    write("custom/x/c.yaml", profile(precision="fp32", type="unoptimized"))
    assert _id(folder) == "custom/org/m/c"


def test_ties_go_by_id(write: Write) -> None:
    write("org/m/b.yaml", profile())
    folder = write("org/m/a.yaml", profile())
    assert _id(folder) == "a"


def test_ids_of_the_four_places(write: Write) -> None:
    write("org/m/own.yaml", profile())
    write("custom/deep/er/mine.yaml", profile())
    write("custom/general/any.yaml", profile(type="general"))
    folder = write("general/all.yaml", profile(type="general").replace("aim_id: org/m\n", ""))
    ids = {recipe.id for recipe in Catalogue([folder]).registry("org/m")}
    assert ids == {"own", "custom/org/m/mine", "custom/general/any", "general/all"}


def test_the_folder_above_profiles_will_do(aim_profiles: Path) -> None:
    found = ask(Catalogue([aim_profiles.parent]), "Qwen/Qwen3-32B", gpu_count=2, fallback=True)
    assert found
    assert found.id == "general/vllm-mi300x-fp16-tp2-latency"


def test_false_is_absent_and_a_general_profile_waits_to_be_asked(write: Write) -> None:
    write("org/m/a.yaml", profile())
    folder = write("general/g.yaml", profile(type="general"))
    recipes = {one.id: one for one in Catalogue([folder]).find("org/m").recipes}
    assert recipes["a"].args == {"max-num-seqs": 8}
    assert (recipes["a"].origin, recipes["a"].manual_only) == ("amd-validated", False)
    assert recipes["general/g"].manual_only
    assert recipes["general/g"].model == "org/m"


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (("MI300X", "MI301X"), "line 5: expected metadata.gpu: "),
        (("fp16", "mxfp4"), "line 6: expected metadata.precision: "),
        (
            ("gpu_count: 1", "gpu_count: 9"),
            "line 7: expected metadata.gpu_count: int <= 8; found 9.",
        ),
        (("'1'", "1"), "expected env_vars.VLLM_ROCM_USE_AITER: a string in quotes; found 1."),
        (("aim_id: org/m\n", ""), "expected 'aim_id' and 'model_id' outside of general/"),
        (("metadata:", "meta:"), "expected a key 'metadata'"),
    ],
)
def test_a_wrong_profile_is_told(write: Write, wrong: tuple[str, str], said: str) -> None:
    folder = write("org/m/a.yaml", profile().replace(*wrong))
    (problem,) = Catalogue([folder]).problems
    assert said in problem.found


def test_amds_runtime_takes_the_first_gpu_and_counts_all() -> None:
    mixed = Machine(host="x", gpus=(*box("MI325X", 1).gpus, *box("MI300X", 2).gpus))
    assert amd_rules.gpus_of(mixed) == ("MI325X", 3)
    assert amd_rules.gpus_of(Machine(host="x")) == ("NONE", 0)


def test_choices_name_the_state_of_each(amd: Catalogue) -> None:
    question = Question(model="Qwen/Qwen3-32B", gpu="MI300X", gpu_count=1, metric="latency")
    first, *rest = amd_rules.choices(amd.registry(question.model), gpus("busy"), question)
    assert (first.recipe.id, first.verdict, first.gpus) == (
        "vllm-mi300x-fp16-tp1-latency",
        "FITS",
        (0,),
    )
    reasons = {one.recipe.id: one.reason for one in rest}
    assert reasons["vllm-mi300x-fp8-tp1-latency"] == "manual_selection_only"
    assert reasons["vllm-mi325x-fp16-tp1-latency"] == "gpu_mismatch"
    assert [one.rank for one in (first, *rest)] == list(range(1, 35))


def test_our_own_recipes_under_amds_rules(shipped: Catalogue) -> None:
    assert ask(shipped, "Qwen/Qwen3-32B", precision="fp16").id == "mi300x-fp16-tp1"  # type: ignore[union-attr]
    assert ask(shipped, "Qwen/Qwen3-32B", gpu_count=3) is None


def _id(folder: Path) -> str | None:
    found = ask(Catalogue([folder]))
    return found.id if found else None
