"""The engine's own code asked for what a launch takes, against our own sum and its refusals."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec import structs

from aim_jupyter.core import fit
from aim_jupyter.core.adapters.vllm import exact
from aim_jupyter.core.choice import exactly
from aim_jupyter.core.records.fit import Counts, Device, Settings

QWEN = {
    "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "hidden_size": 4096,
    "num_hidden_layers": 36, "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128,
    "intermediate_size": 12288, "vocab_size": 151936, "max_position_embeddings": 40960,
    "torch_dtype": "bfloat16", "tie_word_embeddings": False,
}  # fmt: skip
MI300X = Device(model="MI300X", family="rocm", total_bytes=192 * 2**30, gfx="gfx942", count=8)


@pytest.fixture(autouse=True)
def _no_process_is_left() -> Iterator[None]:
    yield
    exact.close()


def test_settings_in_the_words_of_the_engine() -> None:
    settings = Settings(tp=2, kv_dtype="fp8", max_model_len=4096, prefix_caching=False)
    assert exactly.words(settings) == [
        "--tensor-parallel-size=2", "--pipeline-parallel-size=1", "--kv-cache-dtype=fp8",
        "--max-model-len=4096", "--no-enable-prefix-caching",
    ]  # fmt: skip


def test_only_amds_gpus_are_asked_for() -> None:
    h100 = Device(model="H100", family="cuda", total_bytes=80 * 2**30)
    assert exactly.counts(QWEN, Settings(), h100) is None
    assert exactly.counts(QWEN, Settings(), None) is None


def question(
    config: dict[str, Any], exact: Counts | None = None, length: int = 8192
) -> fit.Request:
    settings = Settings(max_model_len=length, engine_version="0.32.0")
    return fit.Request(
        model="mine",
        architecture=fit.architecture(config),
        device=MI300X,
        settings=settings,
        exact=exact,
    )


def test_a_refusal_is_the_verdict() -> None:
    no = fit.verdict(question(QWEN, Counts(label="counted", refused="no such thing")))
    assert (no.verdict, no.refused, no.reason) == ("NO", True, "no such thing (counted)")


@pytest.mark.engine
@pytest.mark.usefixtures("real_engine")
@pytest.mark.timeout(300)
def test_the_engine_counts_what_we_count() -> None:
    settings = Settings(tp=1, max_model_len=8192)
    found = exactly.counts(QWEN, settings, MI300X)
    assert found is not None
    assert found.label == "counted by vLLM 0.32.0 for gfx942"
    ours, theirs = fit.verdict(question(QWEN)), fit.verdict(question(QWEN, found))
    assert ours.weights is not None
    assert theirs.weights is not None
    assert theirs.weights.low == pytest.approx(ours.weights.low, rel=0.002)
    assert theirs.kv_token_bytes == ours.kv_token_bytes
    assert theirs.terms[1].note == found.label
    unknown: dict[str, Any] = {
        "architectures": ["FalconForCausalLM"], "model_type": "falcon", "hidden_size": 2048,
        "num_hidden_layers": 4, "num_attention_heads": 32, "vocab_size": 65024, "bias": False,
        "new_decoder_architecture": False, "multi_query": True, "parallel_attn": True,
    }  # fmt: skip
    assert fit.verdict(question(unknown)).verdict == "unknown"
    short = structs.replace(settings, max_model_len=2048)
    asked = fit.verdict(question(unknown, exactly.counts(unknown, short, MI300X), length=2048))
    assert asked.verdict == "FITS", asked.reason
    long = structs.replace(settings, max_model_len=999_999)
    refused = exactly.counts(QWEN, long, MI300X)
    assert refused is not None
    assert "999999" in refused.refused


@pytest.mark.parametrize(
    ("model", "gfx", "device_id", "name"),
    [
        ("MI355X", "gfx950", "0x75a3", "AMD Instinct MI355X"),
        ("MI350X", "gfx950", "0x75a0", "AMD Instinct MI350X"),
        ("an unknown GPU", "gfx90a", "0x740f", "AMD Instinct MI210"),
    ],
)
def test_the_engine_believes_in_a_gpu_of_the_table(
    model: str, gfx: str, device_id: str, name: str
) -> None:
    gpu = exact.shown(model, gfx, 2**36)
    assert gpu is not None
    assert (gpu.device_id, gpu.name, gpu.memory) == (device_id, name, 2**36)
    assert exact.shown("MI999", "gfx9999", 2**36) is None
