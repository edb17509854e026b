"""Run by the engine's interpreter: what vLLM's own functions make of the caches of some layers.

Reads a JSON object a line, with ``caches`` (kind, token_bytes, state_bytes, span of each layer),
``block``, ``page``, ``available``, ``length``, ``batched`` and ``limit``; writes a line of what
vLLM would do for each.
"""

import json
import sys
from types import SimpleNamespace
from typing import Any

import torch
from vllm.v1.core import kv_cache_utils as utils
from vllm.v1.kv_cache_interface import (
    ChunkedLocalAttentionSpec,
    FullAttentionSpec,
    KVCacheSpec,
    MambaSpec,
    SlidingWindowSpec,
)
from vllm.v1.kv_cache_layout import KVCacheLayout


def spec(cache: list[Any], asked: dict[str, Any]) -> KVCacheSpec:
    kind, token_bytes, state_bytes, span = cache
    if kind == "state":
        return MambaSpec(
            block_size=asked["block"],
            shapes=((state_bytes,),),
            dtypes=(torch.int8,),
            page_size_padded=asked["page"],
            mamba_cache_mode="align",
        )
    half = {"num_kv_heads": 1, "head_size": token_bytes // 2, "head_size_v": token_bytes // 2}
    shape = {"block_size": asked["block"], "dtype": torch.int8, **half}
    if kind == "window":
        return SlidingWindowSpec(sliding_window=span, **shape)
    if kind == "chunk":
        return ChunkedLocalAttentionSpec(attention_chunk_size=span, **shape)
    return FullAttentionSpec(**shape)


def configured(asked: dict[str, Any]) -> SimpleNamespace:
    cache = SimpleNamespace(
        mamba_cache_mode="align",
        num_gpu_blocks_override=None,
        prefix_cache_retention_interval=None,
        get_resolved_kv_cache_layout=lambda: KVCacheLayout.LBNHC,
    )
    return SimpleNamespace(
        cache_config=cache,
        model_config=SimpleNamespace(max_model_len=asked["length"]),
        scheduler_config=SimpleNamespace(disable_hybrid_kv_cache_manager=False),
        parallel_config=SimpleNamespace(
            decode_context_parallel_size=1, tensor_parallel_size=1, pipeline_parallel_size=1
        ),
        attention_config=SimpleNamespace(hisparse_config=None),
        speculative_config=None,
        diffusion_config=None,
        max_in_flight_tokens=2 * asked["batched"],
        num_prefill_lookahead_tokens=0,
        num_speculative_tokens=0,
    )


def sized(asked: dict[str, Any]) -> dict[str, Any]:
    config = configured(asked)
    specs = {f"layers.{i}": spec(cache, asked) for i, cache in enumerate(asked["caches"])}
    groups = utils.get_kv_cache_groups(config, specs)
    block = utils._pool_bytes_per_block(config, groups)
    made = utils.get_kv_cache_config_from_groups(config, groups, asked["available"])
    tokens, concurrency = utils.get_kv_cache_capacity(config, made)
    need = utils._max_memory_usage_bytes_from_groups(config, groups)
    config.model_config.max_model_len = asked["limit"]
    usable = asked["available"] - block
    largest = utils._estimate_max_model_len_from_groups(config, groups, usable)
    return {
        "groups": len(groups),
        "block_bytes": block,
        "tokens": tokens,
        "concurrency": concurrency,
        "need": need + block,
        "largest": largest,
    }


answer: Any
for line in sys.stdin:
    try:
        answer = sized(json.loads(line))
    except Exception as error:  # noqa: BLE001  the test decides what an error means
        answer = {"error": f"{type(error).__name__}: {error}"}
    sys.stdout.write(json.dumps(answer) + "\n")
