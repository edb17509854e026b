"""What a derived recipe gets, by what the model is and what the GPU can do."""

import pytest

from aim_jupyter.core.checkpoint.outline import outline
from aim_jupyter.core.devices import kinds
from aim_jupyter.core.recipes import catalogue, rules
from aim_jupyter.core.recipes.rules import Case, Rule

OUTLINE = outline(catalogue().find("Qwen/Qwen3-32B").facts)


def case(gpu: str, tp: int = 1) -> Case:
    return Case(outline=OUTLINE, gpu=kinds()[gpu], precision="bf16", tp=tp)


@pytest.mark.parametrize("gpu", sorted(kinds()))
def test_amds_kernels_go_where_the_table_says_that_they_are_built(gpu: str) -> None:
    args, env = rules.apply(case(gpu))
    assert env["VLLM_ROCM_USE_AITER"] == str(int(bool(kinds()[gpu].aiter)))
    assert ("attention-backend" in args) == bool(kinds()[gpu].aiter)
    large = (kinds()[gpu].vram_gib or 0) > 120
    assert args["max-num-batched-tokens"] == (16384 if large else 8192)


def test_a_rule_holds_where_all_that_it_names_does() -> None:
    assert Rule(source="").holds(case("MI300X"))
    assert not Rule(source="", tp_above=1).holds(case("MI300X"))
    assert Rule(source="", tp_above=1, gfx=("gfx942",)).holds(case("MI300X", 2))
    assert not Rule(source="", gfx=("gfx942",), aiter=False).holds(case("MI300X"))
    assert not Rule(source="", memory_from_gib=200).holds(case("MI300X"))
