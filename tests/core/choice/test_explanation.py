"""Why this recipe and not another."""

from msgspec.structs import replace

from aim_jupyter.core.choice.amd_rules import Selected
from aim_jupyter.core.choice.explanation import reasons, why_not
from aim_jupyter.core.recipes import catalogue
from aim_jupyter.core.records import Choice
from tests.core.conftest import box, rank
from tests.core.planning.test_plan import CHOICE


def test_each_that_lost_has_its_reason() -> None:
    choices = rank(catalogue().find("Qwen/Qwen3-32B"), box("MI300X", 2))
    said = "\n".join(reasons(choices))
    assert "mi300x-fp16-tp1: " in said
    assert "origin: amd-validated" in said
    assert "not mi300x-bf16-tp1: derived, after amd-validated" in said
    assert "not mi300x-fp8-tp1: manual only: never chosen by itself" in said
    assert "more recipes, each with its reason: %aim recipes Qwen/Qwen3-32B" in said


def test_a_loser_is_told_by_the_first_point_that_decided() -> None:
    best = CHOICE

    def other(**facts: object) -> Choice:
        return replace(best, recipe=replace(best.recipe, **facts))

    assert why_not(best, replace(best, verdict="NO", reason="too big")) == "NO, too big"
    assert why_not(best, other(manual_only=True)).startswith("manual only")
    assert why_not(best, other(metric="throughput")) == "tuned for throughput"
    assert why_not(best, other(tp=best.recipe.tp + 1)).startswith(
        f"takes {best.recipe.tp + 1} GPUs"
    )
    assert why_not(best, best) == "comes later by name"


def test_amds_rules_are_told_where_they_differ_and_what_is_left_out_is_counted() -> None:
    many = [CHOICE] * 9
    told = reasons(many, Selected(states={"gpu_mismatch": 3}))
    assert "policy aim, AMD's own rules, finds nothing here: 3 gpu_mismatch" in told
    assert told[-1].startswith("2 more recipes")
    same = reasons([CHOICE], Selected(recipe=CHOICE.recipe))
    assert not any("policy aim" in one for one in same)
