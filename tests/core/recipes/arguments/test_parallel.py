"""Over how many GPUs a launch is spread, by all the options that multiply them."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.recipes import catalogue
from aim_jupyter.core.recipes.arguments.options import canonical
from aim_jupyter.core.recipes.arguments.parallel import parallel, tensor
from aim_jupyter.core.records import Recipe, Weights
from tests.core.conftest import box, rank


def recipe(tp: int = 1, engine: str = "vllm", **args: Any) -> Recipe:
    weights = Weights(repo="org/m", precision="bf16")
    named = {name.replace("_", "-"): value for name, value in args.items()}
    made = Recipe(id="x", model="m", weights=weights, gpu_model="MI300X", tp=tp, args=named)
    return replace(made, engine=engine)


@pytest.mark.parametrize(
    ("its", "options", "gpus"),
    [
        (recipe(2), {}, 2),
        (recipe(2), {"pipeline-parallel-size": "4"}, 8),
        (recipe(1), {"-dp": 16}, 16),
        (recipe(1), {"-tp": "8", "-dp": "8"}, 64),
        (recipe(2), {"--prefill_context_parallel_size": 2}, 4),
        (recipe(8), {"enable-expert-parallel": None}, 8),
        (recipe(8), {"decode-context-parallel-size": 8}, 8),
        (recipe(1), {"data-parallel-size": 16, "data-parallel-size-local": 8}, 8),
        (recipe(8), {"pipeline-parallel-size": 2, "nnodes": 2}, 8),
        (recipe(4, pipeline_parallel_size=2), {}, 8),
        (recipe(4, "sglang"), {"dp-size": 2}, 8),
        (recipe(4, "sglang"), {"dp-size": 4, "enable-dp-attention": None}, 4),
        (recipe(1, "sglang"), {"tensor-parallel-size": 2, "pp-size": 2}, 4),
    ],
)
def test_all_that_multiplies_is_counted(its: Recipe, options: dict[str, Any], gpus: int) -> None:
    assert parallel(its, canonical(options)).gpus == gpus


def test_what_is_left_out_counts_no_more() -> None:
    its = recipe(4, tensor_parallel_size=4, pipeline_parallel_size=2)
    assert parallel(its, {}, ("pipeline-parallel-size",)).gpus == 4
    assert parallel(its, {}, ("tensor-parallel-size",)).gpus == 2


@pytest.mark.parametrize("value", ["0", "two", -1, None, "1e3", "99999999999"])
def test_what_is_no_number_of_gpus_is_refused(value: Any) -> None:
    with pytest.raises(BadUsage, match="tensor-parallel-size"):
        tensor({"tensor-parallel-size": value}, "vllm")


def test_copies_share_the_experts_of_a_mixture() -> None:
    asked = {"data-parallel-size": "8", "tensor-parallel-size": "1", "enable-expert-parallel": None}
    first = rank(catalogue().find("deepseek-ai/DeepSeek-R1"), box(), options=asked)[0]
    assert (first.verdict, len(first.gpus)) == ("FITS", 8)
    whole = rank(catalogue().find("deepseek-ai/DeepSeek-R1"), box())[0]
    # Attention is there eight times, the experts once.
    assert first.weights_bytes is not None
    assert whole.weights_bytes is not None
    assert whole.weights_bytes < first.weights_bytes < 1.3 * whole.weights_bytes


@pytest.mark.parametrize(
    ("options", "verdict", "gpus", "said"),
    [
        ({"pipeline-parallel-size": "4"}, "FITS", 4, ""),
        ({"data-parallel-size": "16"}, "NO", 0, "needs 16 GPUs, there are 8"),
        (
            {"tensor-parallel-size": "8", "data-parallel-size": "8"},
            "NO",
            0,
            "tensor 8 x data 8: needs 64 GPUs, there are 8",
        ),
        ({"tensor-parallel-size": "4"}, "FITS", 4, ""),
        ({"tensor-parallel-size": "3"}, "NO", 3, "don't divide by 3"),
        ({"tensor-parallel-size": "16"}, "NO", 0, "needs 16 GPUs, there are 8"),
    ],
)
def test_placement_counts_them_and_says_why_not(
    options: dict[str, Any], verdict: str, gpus: int, said: str
) -> None:
    first = rank(catalogue().find("Qwen/Qwen3-32B"), box(), options=options)[0]
    assert (first.verdict, len(first.gpus)) == (verdict, gpus)
    assert said in first.reason
    wanted = options.get("tensor-parallel-size")
    assert wanted is None or f"tp{wanted}" in first.recipe.id
