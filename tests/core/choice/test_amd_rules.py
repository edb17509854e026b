"""AMD's own selection, rule for rule."""

from pathlib import Path

import pytest

from aim_jupyter.core.choice import amd_rules
from aim_jupyter.core.choice.amd_rules import Question, select
from aim_jupyter.core.recipes import Catalogue
from aim_jupyter.core.records import Machine
from tests.core.conftest import Write, box, gpus
from tests.core.recipes.files.test_profile import profile
from tests.core.recipes.test_aim import ask


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
