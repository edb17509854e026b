"""What the engine adds to a checkpoint while it loads it."""

from __future__ import annotations

import pytest

from aim_jupyter.core import fit
from aim_jupyter.core.fit.memory.additions import additions, rocm_growth
from aim_jupyter.core.fit.memory.weights import shares
from aim_jupyter.core.sizes import GIB
from tests.core.fit.conftest import small


@pytest.mark.parametrize(
    ("model", "tp", "measured"),
    [
        ("Qwen/Qwen3-VL-30B-A3B-Instruct", 1, 79.29),
        ("meta-llama/Llama-4-Maverick-17B-128E-Instruct", 8, 126.7),
        ("Qwen/Qwen3-235B-A22B", 4, 112.6),
        ("Qwen/Qwen3-235B-A22B", 8, 56.6),
        ("deepseek-ai/DeepSeek-R1", 8, 81.3),
    ],
)
def test_experts_may_grow_on_rocm_by_what_was_seen(model: str, tp: int, measured: float) -> None:
    architecture = fit.architecture(fit.config_of(model))
    counted = shares(architecture, tp)[0].total
    assert counted < measured * GIB < counted + rocm_growth(architecture, tp)
    assert rocm_growth(architecture, tp) < 0.38 * counted


def test_the_engine_adds_tables_factors_and_padding() -> None:
    def added(model: str, tp: int = 1) -> float:
        found = fit.architecture(fit.config_of(model))
        return additions(found, range(len(found.layers)), tp) / GIB

    assert added("meta-llama/Llama-3.1-8B-Instruct") == pytest.approx(131_072 * 128 * 2 / GIB)
    assert added("google/gemma-3-12b-it") == pytest.approx(9 * 131_072 * 256 * 2 / GIB)
    factors = 61 * 128 * 256 * 512 * 2 / 8 / GIB
    assert added("deepseek-ai/DeepSeek-R1", 8) == pytest.approx(factors, rel=0.1)
    assert added("openai/gpt-oss-120b") == pytest.approx(0.09 * 56.7, rel=0.02)


def test_dense_models_do_not_grow() -> None:
    assert rocm_growth(fit.architecture(small()), 1) == 0
