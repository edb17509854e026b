"""What the verbs of the cache answer: a download, totals, an eviction, what a model lacks."""

from __future__ import annotations

from typing import Any

from aim_jupyter.core.records import (
    Arriving,
    CacheFolder,
    CacheKindTotal,
    CacheStats,
    CacheTotals,
    CompiledCache,
    Eviction,
    Prefetch,
    Progress,
    Setting,
    Startable,
)
from tests.render.samples import BEGAN, gib

HUB = "/home/alice/.cache/huggingface/hub"
SHARED = "/shared/models"
FILES = (
    *(
        Arriving(
            name=f"model-{number:05}-of-00017.safetensors",
            size_bytes=gib(3.6),
            done_bytes=gib(3.6) if number < 5 else gib(max(0.0, 3.1 - 0.7 * (number - 5))),
        )
        for number in range(1, 18)
    ),
    Arriving(name="tokenizer.json", size_bytes=11_422_654, done_bytes=11_422_654),
    Arriving(name="config.json", size_bytes=728, done_bytes=728),
)
ASKING = Prefetch(model="Qwen/Qwen3-32B", number=1, count=1, progress=None)
ARRIVING = Prefetch(
    model="Qwen/Qwen3-32B",
    number=2,
    count=3,
    progress=Progress(
        repo="Qwen/Qwen3-32B",
        done_bytes=sum(file.done_bytes for file in FILES),
        total_bytes=sum(file.size_bytes for file in FILES),
        rate=412.0 * (1 << 20),
        eta_s=94.0,
        files=FILES,
    ),
)
STATS = CacheStats(
    totals=CacheTotals(
        models=9, incomplete=1, size_bytes=gib(1269.8), free_bytes=gib(2672.6), in_use=2
    ),
    kinds=(
        CacheKindTotal(kind="config", repos=3, size_bytes=36_000),
        CacheKindTotal(kind="dataset", repos=1, size_bytes=gib(4.2)),
        CacheKindTotal(kind="model", repos=9, size_bytes=gib(1240.1)),
    ),
    folders=(
        CacheFolder(path=HUB, shared=False, size_bytes=gib(214.0), repos=6, free_bytes=gib(2672.6)),
        CacheFolder(path=SHARED, shared=True, size_bytes=gib(1055.8), repos=7, free_bytes=None),
    ),
    settings=(
        Setting(name="HF_HUB_CACHE", value=HUB, source="default"),
        Setting(name="AIM_SHARED_CACHE_DIR", value=SHARED, source="environment"),
        Setting(name="HF_HUB_OFFLINE", value="", source="not set"),
    ),
    pinned_bytes=gib(61.0),
    in_use_bytes=gib(76.3),
    compiled=(
        CompiledCache(path="/home/alice/.cache/aim_jupyter/vllm-0.32.0", size_bytes=158_334_976),
        CompiledCache(path="/home/alice/.cache/vllm/torch_compile_cache", size_bytes=gib(1.4)),
    ),
    hits=31,
    misses=3,
)
NO_STATS = CacheStats(
    totals=CacheTotals(models=0, incomplete=0, size_bytes=0, free_bytes=gib(41.0)),
    kinds=(),
    folders=(CacheFolder(path=HUB, shared=False, size_bytes=0, repos=0, free_bytes=gib(41.0)),),
    settings=(Setting(name="HF_HUB_CACHE", value=HUB, source="default"),),
    pinned_bytes=0,
    in_use_bytes=0,
    hits=0,
    misses=0,
)


def eviction(model: str, size: float, reason: str, **facts: Any) -> Eviction:
    """Return one line of a plan."""
    known = {"evict": False, "done": False, **facts}
    return Eviction(
        model=model,
        frees_bytes=gib(size) if known["evict"] else 0,
        kind="model",
        reason=reason,
        folder=f"{HUB}/models--{model.replace('/', '--')}",
        last_used_at=BEGAN,
        **known,
    )


PLANNED = (
    eviction("meta-llama/Llama-3.3-70B-Instruct", 131.4, "not used for 41 days", evict=True),
    eviction("Qwen/Qwen3-8B", 15.3, "not used for 33 days", evict=True),
    eviction("Qwen/Qwen3-32B", 61.0, "in use by qwen3-32b"),
)
EVICTED = (
    eviction("Qwen/Qwen3-8B", 15.3, "not used for 33 days", evict=True, done=True),
    eviction("Qwen/Qwen3-32B", 61.0, "in use by qwen3-32b"),
)
KEPT = (eviction("Qwen/Qwen3-32B", 61.0, "in use by qwen3-32b"),)
CAN_START = Startable(
    model="qwen3-32b",
    can_start=True,
    repo="Qwen/Qwen3-32B-FP8",
    path=f"{SHARED}/models--Qwen--Qwen3-32B-FP8/snapshots/9216db5781bf21249d130ec9da846c4624c16137",
    shared=True,
)
CAN_NOT_START = Startable(
    model="meta-llama/Llama-3.3-70B-Instruct",
    can_start=False,
    repo="meta-llama/Llama-3.3-70B-Instruct",
    missing=tuple(f"model-{number:05}-of-00030.safetensors" for number in range(3, 31)),
    damaged=("model-00001-of-00030.safetensors",),
)
IS_ABSENT = Startable(
    model="Qwen/Qwen3-8B", can_start=False, repo="Qwen/Qwen3-8B", missing=("everything",)
)
