"""What drafts, against vLLM 0.32's own drafters: bytes that they add for gfx942, and to a block."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from aim_jupyter.core import fit
from aim_jupyter.core.checkpoint import models
from aim_jupyter.core.checkpoint.drafting import drafter, speculation
from aim_jupyter.core.records.fit import Settings, Speculation

MIB = 2**20
EAGLE = {
    "architectures": ["EagleLlamaForCausalLM"], "model_type": "llama", "hidden_size": 4096,
    "num_hidden_layers": 1, "num_attention_heads": 32, "num_key_value_heads": 8,
    "intermediate_size": 14336, "vocab_size": 128256, "max_position_embeddings": 2048,
}  # fmt: skip
EAGLE3 = {**EAGLE, "architectures": ["LlamaForCausalLMEagle3"], "draft_vocab_size": 32000}
LLAMA, SMALL = "meta-llama/Llama-3.1-8B-Instruct", models.config_of("Qwen/Qwen3-0.6B")

# Model, GPUs, what is asked, the drafter's own config; MiB that one GPU loads more, bytes that one
# request of 32,768 tokens takes. As `oracle.drafting` built them on 1 December 2026.
BUILT = [
    ("deepseek-ai/DeepSeek-R1", 8, ("mtp", 1), None, 1592.24, 2340421632),
    ("zai-org/GLM-4.5", 8, ("mtp", 1), None, 1041.30, 1560281088),
    ("zai-org/GLM-4.7-Flash", 1, ("mtp", 1), None, 1228.02, 1811939328),
    ("Qwen/Qwen3.5-9B", 1, ("mtp", 2), None, 464.04, 1463943168),
    ("Qwen/Qwen3.6-35B-A3B", 1, ("mtp", 3), None, 1611.02, 1110900736),
    ("Qwen/Qwen3-Next-80B-A3B-Instruct", 1, ("mtp", 2), None, 3148.02, 1058570240),
    (LLAMA, 1, ("eagle3", 3), EAGLE3, 818.28, 4429185024),
    (LLAMA, 1, ("eagle", 3), EAGLE, 488.01, 4429185024),
    ("Qwen/Qwen3-32B", 2, ("draft_model", 5), SMALL, 568.50, 6174015488),
    ("Qwen/Qwen3-32B", 2, ("ngram", 5), None, 0.0, 4294967296),
]


@pytest.mark.parametrize("row", BUILT)
def test_a_drafter_takes_what_the_engine_makes_of_it(
    row: tuple[str, int, tuple[str, int], Any, float, int],
) -> None:
    model, tp, how, config, mib, need = row
    architecture = fit.architecture(models.config_of(model))
    named = "some/drafter" if config else ""
    asked = Speculation(method=how[0], tokens=how[1], model=named)
    question = fit.Request(
        model=model,
        architecture=architecture,
        device=fit.device("mi300x:8"),
        settings=Settings(tp=tp, max_model_len=32768, engine_version="0.32.0"),
        drafter=drafter(asked, architecture, config),
    )
    alone = fit.assess(structs.replace(question, drafter=None))
    found = fit.assess(question)
    assert found.weights is not None
    assert alone.weights is not None
    assert found.need is not None
    # Tables of rotary embeddings are shared where they are equal: up to 10 MiB.
    assert (found.weights.low - alone.weights.low) / MIB == pytest.approx(mib, rel=0.005, abs=11)
    block = found.need.low - need
    assert 0 < block < need / 10, "one block is set aside"
    assert need % block == 0


def test_what_is_asked_is_read_as_text_and_as_an_object() -> None:
    found = Speculation(method="mtp", tokens=3)
    assert speculation('{"method": "MTP", "num_speculative_tokens": 3}') == found
    assert speculation({"method": "mtp", "num_speculative_tokens": 3}) == found
    for nonsense in ("{", "[]", '{"method": 3}', '{"num_speculative_tokens": -1}', None):
        assert speculation(nonsense) is None


def test_a_drafter_that_is_not_known_makes_the_verdict_unknown() -> None:
    model = fit.architecture(models.config_of("Qwen/Qwen3-32B"))
    asked = Speculation(method="draft_model", model="some/thing", tokens=2)
    question = fit.Request(
        model="m",
        architecture=model,
        device=fit.device("mi300x:1"),
        drafter=drafter(asked, model, None),
    )
    found = fit.verdict(question)
    assert (found.verdict, found.reason) == (
        "unknown",
        "some/thing, which drafts, is not known here",
    )


def test_an_eagle_head_that_is_not_known_is_taken_for_one_layer() -> None:
    model = fit.architecture(models.config_of("Qwen/Qwen3-32B"))
    asked = Speculation(method="eagle3", model="some/head", tokens=2)
    found = drafter(asked, model, None)
    assert found is not None
    assert (len(found.model.layers), found.words, found.model.hidden) == (1, "head", 5120)
