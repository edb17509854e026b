"""The engine's own arithmetic of blocks, against what engines printed."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core import fit
from aim_jupyter.core.fit.memory.caches import Cache, caches
from aim_jupyter.core.fit.memory.kv import Layout, layout
from aim_jupyter.core.fit.memory.versions import Rules, rules, span
from aim_jupyter.core.records.fit import Settings
from aim_jupyter.core.sizes import GIB
from tests.core.fit.conftest import small


def laid_out(
    model: str, version: str, tp: int = 1, kv_dtype: str = "auto", batched: int = 8192
) -> Layout:
    found = fit.architecture(fit.config_of(model))
    kept = caches(found, found.kinds, Settings(tp=tp, kv_dtype=kv_dtype))
    return layout(kept, rules(span(version).low), batched)


@pytest.mark.parametrize(
    ("model", "token"),
    [
        ("meta-llama/Llama-3.1-8B-Instruct", 131_072),
        ("meta-llama/Llama-3.3-70B-Instruct", 327_680),
        ("meta-llama/Llama-3.1-405B-Instruct", 516_096),
        ("Qwen/Qwen3-30B-A3B", 98_304),
        ("Qwen/Qwen2.5-7B-Instruct", 57_344),
        ("deepseek-ai/DeepSeek-R1", 70_272),
        ("moonshotai/Kimi-K2-Instruct", 70_272),
        ("deepseek-ai/DeepSeek-V2-Lite-Chat", 31_104),
        ("openai/gpt-oss-20b", 24_576),
        ("google/gemma-3-27b-it", 81_920),
        ("google/gemma-3-12b-it", 65_536),
        ("mistralai/Mistral-Small-3.1-24B-Instruct-2503", 163_840),
        ("MiniMaxAI/MiniMax-M2.5", 253_952),
    ],
)
def test_a_token_takes_what_the_logs_say(model: str, token: int) -> None:
    assert laid_out(model, "0.19").token_bytes == token  # facts/fit.md 3.6


@pytest.mark.parametrize(
    ("model", "version", "logged"),
    [
        ("google/gemma-3-27b-it", "0.19", (19.53, 8192, 36_560, 4.456)),
        ("google/gemma-3-12b-it", "0.19", (47.72, 8192, 130_304, 15.88)),
        ("google/gemma-3-4b-it", "0.19", (62.51, 8192, 468_192, 57.06)),
        ("openai/gpt-oss-20b", "0.19", (58.47, 8192, 1_277_296, 155.77)),
        ("Qwen/Qwen3.5-35B-A3B", "0.18", (16.03, 4096, 209_088, 113.57)),
        ("deepseek-ai/DeepSeek-V3.2", "0.18", (78.87, 8192, 1_081_216, 131.98)),
    ],
)
def test_tokens_and_concurrency_are_those_of_the_log(
    model: str, version: str, logged: tuple[float, int, int, float]
) -> None:
    gib, length, tokens, concurrency = logged
    found = laid_out(model, version)
    assert found.tokens(gib * GIB, length) == pytest.approx(tokens, rel=2e-4)
    assert found.concurrency(gib * GIB, length) == pytest.approx(concurrency, rel=2e-4)


def test_a_hybrid_with_prefix_caching_keeps_two_states_a_request() -> None:
    found = laid_out("Qwen/Qwen3.8-27B", "0.28", tp=2, kv_dtype="fp8", batched=2048)
    assert {group.block for group in found.groups} == {1568}
    assert found.tokens(4.99 * GIB, 131_072) == 302_921


def test_llama_4_keeps_everything_because_the_engine_can_not_do_better() -> None:
    model = fit.architecture(fit.config_of("meta-llama/Llama-4-Scout-17B-16E-Instruct"))
    kept = caches(model, model.kinds, Settings(tp=8))
    usual = layout(kept, rules((0, 18)), 8192)
    allowed = layout(kept, rules((0, 18)), 8192, chunked=True)
    assert len(usual.groups) == 1
    assert len(allowed.groups) == 4
    assert allowed.need(131_072) < usual.need(131_072)


def test_blocks_behind_a_window_are_kept_for_two_batches_from_0_26_on() -> None:
    old, new = (laid_out("openai/gpt-oss-20b", version) for version in ("0.25", "0.26"))
    assert new.need(131_072) - old.need(131_072) == 8192 // 16 * old.block_bytes


def test_gemma_4_needs_what_the_engine_said_it_needs() -> None:
    # vllm#49878: 45.79 GiB before the change, 70.79 GiB after, with FP8 and 256 KiB pages
    model = fit.architecture(fit.config_of("google/gemma-4-31B-it"))
    kept = caches(model, model.kinds, Settings())
    for version, blocks in (("0.25", 2113), ("0.26", 4161)):
        found = layout(kept, rules(span(version).low), 32_768)
        window = next(group for group in found.groups if group.cache.kind == "window")
        assert found._of(window, 131_072) == blocks
        assert len(found.groups) == 6


def test_a_checkpoint_without_any_window_forms_one_group() -> None:
    found = fit.architecture(small())
    kept = caches(found, found.kinds, Settings())
    assert len(layout(kept, rules((0, 18)), 2048).groups) == 1


CACHES = st.builds(
    Cache,
    st.sampled_from(["full", "window", "chunk"]),
    st.sampled_from([256, 512, 1024, 4096]),
    st.just(0),
    st.sampled_from([128, 1024, 8192]),
) | st.builds(Cache, st.just("state"), st.just(0), st.integers(1, 2**22), st.just(0))
RULES = st.builds(
    Rules,
    st.booleans(),
    st.sampled_from([1, 2]),
    st.sampled_from([1, 2]),
    st.booleans(),
    st.booleans(),
)


@given(
    st.lists(CACHES, min_size=1, max_size=12),
    RULES,
    st.sampled_from([512, 8192]),
    st.integers(0, 2**36),
    st.integers(1, 64),
)
def test_the_largest_context_fits_and_one_more_token_does_not(
    kept: list[Cache], its: Rules, batched: int, available: int, users: int
) -> None:
    found = layout(Counter(kept), its, batched)
    limit = 2**20
    longest = found.largest(available, users, limit)
    assert longest == 0 or found.need(longest, users) <= available
    assert longest == limit or found.need(longest + 1, users) > available


@given(st.lists(CACHES, min_size=1, max_size=12), RULES, st.integers(1, 2**18))
def test_longer_requests_never_need_less(kept: list[Cache], its: Rules, length: int) -> None:
    found = layout(Counter(kept), its, 2048)
    assert found.need(length) <= found.need(length + 1) <= found.need(2 * length)
    assert found.concurrency(2**34, length) >= found.concurrency(2**34, 2 * length)
