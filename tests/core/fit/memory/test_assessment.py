"""The verdict alone, and the verdict with all that is told beside it."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from aim_jupyter.core import fit
from aim_jupyter.core.fit.memory.assessment import assess
from aim_jupyter.core.records.fit import Band, Device, Fit, Settings
from aim_jupyter.core.sizes import GIB

DENSE: dict[str, Any] = {
    "architectures": ["Qwen3ForCausalLM"], "model_type": "qwen3", "hidden_size": 4096,
    "num_hidden_layers": 36, "num_attention_heads": 32, "num_key_value_heads": 8, "head_dim": 128,
    "intermediate_size": 12288, "vocab_size": 151936, "max_position_embeddings": 40960,
    "torch_dtype": "bfloat16",
}  # fmt: skip
LARGE = Device(model="MI300X", family="rocm", total_bytes=192 * GIB, gfx="gfx942")
SMALL = Device(model="A small one", family="rocm", total_bytes=8 * GIB, gfx="gfx942")
#: What nobody needs to choose by.
BESIDE = ("terms", "kv_token_bytes", "kv_tokens", "largest_context")


def request(device: Device | None, **more: Any) -> fit.Request:
    settings = Settings(max_model_len=8192, engine_version="0.32.0", **more)
    model = fit.architecture(DENSE)
    return fit.Request(model="mine", architecture=model, device=device, settings=settings)


@pytest.mark.parametrize(
    "asked",
    [
        request(LARGE),
        request(LARGE, users=10_000),
        request(SMALL),
        request(LARGE, tp=3),
        request(None),
        structs.replace(request(None), available=Band(GIB, GIB)),
    ],
)
def test_what_is_told_beside_it_changes_no_verdict(asked: fit.Request) -> None:
    whole, alone = assess(asked), assess(asked, whole=False)
    for name in Fit.__struct_fields__:
        if name not in BESIDE:
            assert getattr(alone, name) == getattr(whole, name), name
    assert all(not getattr(alone, name) for name in BESIDE)


def test_the_lines_of_the_sum_make_up_the_memory() -> None:
    found = assess(request(LARGE))
    lines = {term.name: term for term in found.terms}
    parts = [term for name, term in lines.items() if name != "KV cache needed"]
    assert found.verdict == "FITS"
    total = sum((term.low_bytes + term.high_bytes) / 2 for term in parts)
    assert total == pytest.approx(LARGE.total_bytes, rel=1e-6)


def test_where_nothing_is_known_the_verdict_says_so() -> None:
    found = assess(request(None))
    assert (found.verdict, found.terms) == ("unknown", ())
    assert found.reason == "no GPU is named, nor the memory for the KV cache"
