"""The KV cache, as the engine's own specifications say it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from aim_jupyter.core.adapters.vllm.oracle.laying import _group


class FullAttentionSpec:
    """One of vLLM's."""

    block_size, page_size_bytes = 16, 1024
    sliding_window: int | None = None

    def max_memory_usage_bytes(self, _cfg: object) -> int:
        return 64 * 1024


class SlidingWindowSpec(FullAttentionSpec):
    """The same, with a window."""

    sliding_window = 128

    def max_memory_usage_bytes(self, _cfg: object) -> int:
        return 9 * 1024 + 1


@pytest.mark.parametrize(
    ("spec", "kind", "span", "pages"),
    [
        (FullAttentionSpec(), "FullAttentionSpec", 0, 64),
        (SlidingWindowSpec(), "SlidingWindowSpec", 128, 10),
    ],
)
def test_a_group_is_its_kind_its_layers_and_the_pages_of_a_request(
    spec: Any, kind: str, span: int, pages: int
) -> None:
    group = SimpleNamespace(kv_cache_spec=spec, layer_names=["a", "b"])
    assert _group(None, group) == {
        "kind": kind, "layers": 2, "block": 16, "span": span, "pages": pages,
    }  # fmt: skip
