"""What each layer keeps of a request on one rank."""

from __future__ import annotations

from aim_jupyter.testing import sums
from tests.core.fit.memory.test_kv import laid_out


def test_gpus_share_heads_but_not_latent_vectors() -> None:
    llama = [laid_out("meta-llama/Llama-3.1-8B-Instruct", "0.19", tp).token_bytes for tp in (1, 8)]
    assert llama[0] == 8 * llama[1]
    deepseek = [laid_out("deepseek-ai/DeepSeek-R1", "0.19", tp).token_bytes for tp in (1, 8)]
    assert deepseek[0] == deepseek[1]


def test_one_head_is_repeated_where_there_are_more_gpus() -> None:
    found = [laid_out("Qwen/Qwen3-30B-A3B", "0.19", tp).token_bytes for tp in (4, 8)]
    assert found[0] == found[1]


def test_fp8_halves_the_cache_and_sparse_attention_packs_it() -> None:
    llama = [laid_out("Qwen/Qwen3-8B", "0.19", kv_dtype=k).token_bytes for k in ("auto", "fp8")]
    assert llama[0] == 2 * llama[1]
    sparse = laid_out("deepseek-ai/DeepSeek-V3.2", "0.19", kv_dtype="fp8").token_bytes
    assert sparse == 61 * (656 + 132)


def test_weights_in_fp8_keep_their_cache_unless_the_checkpoint_has_scales() -> None:
    whole = laid_out("meta-llama/Llama-3.3-70B-Instruct", "0.19").token_bytes
    assert laid_out("x/Llama-3.3-70B-Instruct-FP8-dynamic", "0.19").token_bytes == whole
    quark = "amd/Llama-3.3-70B-Instruct-FP8-KV"
    assert laid_out(quark, "0.32").token_bytes == whole  # its scales are read, "auto" stays


def test_recurrent_states_of_a_cpu_depend_on_its_instructions() -> None:
    asked = {"model": "ibm-granite/granite-4.0-h-small", "kv_cache_gib": 2, "max_model_len": 8192}
    machine = {"model": "cpu", "family": "cpu", "total_gib": 128}
    with_it, without, unknown = (
        sums.answer({**asked, "machine": {**machine, **told}})["kv_tokens"]
        for told in ({"bf16": True}, {"bf16": False}, {})
    )
    assert with_it[0] == with_it[1] < without[0] == without[1]
    assert unknown == [with_it[0], without[1]]
