"""The KV cache, by vLLM's own functions."""

from __future__ import annotations

from typing import Any


def specs(cfg: Any) -> dict[str, Any]:
    """Return what each layer keeps of a request, after the attention kernels have chosen."""
    from vllm.config import (  # noqa: PLC0415  vLLM is imported by `main`
        get_layers_from_vllm_config,
        set_current_vllm_config,
    )
    from vllm.model_executor.layers.attention import Attention  # noqa: PLC0415
    from vllm.model_executor.layers.attention_layer_base import AttentionLayerBase  # noqa: PLC0415
    from vllm.platforms import current_platform  # noqa: PLC0415
    from vllm.v1.kv_cache_interface import AttentionSpec  # noqa: PLC0415
    from vllm.v1.worker.utils import customize_attention_spec  # noqa: PLC0415

    found = {}
    with set_current_vllm_config(cfg):
        current_platform.update_block_size_for_backend(cfg)
        for name, layer in get_layers_from_vllm_config(cfg, AttentionLayerBase).items():
            if isinstance(layer, Attention) and layer.kv_sharing_target_layer_name:
                continue
            spec = layer.get_kv_cache_spec(cfg)
            if isinstance(spec, AttentionSpec):
                spec = customize_attention_spec(layer.get_attn_backend(), spec)
            if spec:
                found[name] = spec
    return found


def layout(cfg: Any, found: dict[str, Any]) -> dict[str, Any]:
    """Return the groups, the bytes of a block of all of them, and the blocks of one request."""
    from vllm.config import set_current_vllm_config  # noqa: PLC0415
    from vllm.distributed.kv_transfer.kv_connector.utils import (  # noqa: PLC0415
        get_current_attn_backends,
    )
    from vllm.v1.attention.backends import utils as backends  # noqa: PLC0415
    from vllm.v1.core import kv_cache_utils as kv  # noqa: PLC0415

    with set_current_vllm_config(cfg):
        supported = backends.get_supported_kv_cache_layouts(get_current_attn_backends(cfg))
        names = [[each.name for each in supported]]
        backends.resolve_kv_cache_layout(cfg, names, list(found.values()))
        groups = kv.get_kv_cache_groups(cfg, dict(found))
        block = kv._pool_bytes_per_block(cfg, groups)  # noqa: SLF001  there is no public name
        request = kv._max_memory_usage_bytes_from_groups(cfg, groups)  # noqa: SLF001
    return {
        "block_bytes": block,
        "request_blocks": -(-request // block),
        "groups": [_group(cfg, each) for each in groups],
    }


def _group(cfg: Any, group: Any) -> dict[str, Any]:
    spec = group.kv_cache_spec
    kind = type(spec).__name__
    span = getattr(spec, "sliding_window", None) or getattr(spec, "attention_chunk_size", None)
    return {
        "kind": kind,
        "layers": len(group.layer_names),
        "block": spec.block_size,
        "span": span or 0,
        "pages": -(-spec.max_memory_usage_bytes(cfg) // spec.page_size_bytes),
    }
