"""What stands in lists: `top.png` with its two minutes of past, engines, models on disk, checks."""

from __future__ import annotations

import math
from typing import Any

import msgspec

from aim_jupyter.core.records import (
    CachedModel,
    Check,
    EngineEnvironment,
    Machine,
    Sample,
    ServerRecord,
    ServerView,
)
from tests.render.samples import (
    BEGAN,
    CPU_ENGINE,
    DEMO,
    ENGINE,
    GPUS,
    QWEN_32B,
    RUNNING_8B,
    USER,
    at,
    gib,
)


def waves(name: str, level: float, kv: float, ttft: float) -> tuple[Sample, ...]:
    """Return two minutes of samples that rise and fall around a level."""
    return tuple(
        Sample(
            at=BEGAN + 2 * step,
            gen_tok_s=level * (0.85 + 0.15 * math.sin(step / 5 + len(name))),
            kv_used_pct=kv * (0.95 + 0.05 * math.cos(step / 9)),
            ttft_p50_ms=ttft * (1 + 0.08 * math.sin(step / 3)) if ttft else None,
            ttft_p95_ms=ttft * (2.1 + 0.3 * math.sin(step / 2)) if ttft else None,
        )
        for step in range(60)
    )


BUSY_GPUS = tuple(
    msgspec.structs.replace(
        one,
        state="busy",
        holder=USER,
        server="qwen3-32b",
        lease_age_s=2200.0,
        vram_used_bytes=gib(176.9),
        busy_pct=94.0,
        power_w=612.0,
        temp_c=61.0,
    )
    if one.hip_index == 4
    else one
    for one in GPUS
)
TOP: dict[str, Any] = {
    "views": (
        ServerView(
            record=ServerRecord(name="qwen3-32b", plan=QWEN_32B, state="running"),
            sample=Sample(
                at=BEGAN,
                gen_tok_s=1842.0,
                kv_used_pct=41.0,
                ttft_p50_ms=204.0,
                ttft_p95_ms=448.0,
                req_running=12,
                req_waiting=0,
            ),
        ),
        RUNNING_8B,
        ServerView(
            record=ServerRecord(name="demo", plan=DEMO, state="running"),
            sample=Sample(at=BEGAN, gen_tok_s=0.0, kv_used_pct=0.0, req_running=0, req_waiting=0),
            idle_left_s=3120.0,
        ),
    ),
    "machine": Machine(host="gpu-07", gpus=BUSY_GPUS),
    "history": {
        "qwen3-32b": waves("qwen3-32b", 1842.0, 41.0, 204.0),
        "qwen3-8b": waves("qwen3-8b", 412.0, 18.0, 52.0),
        "demo": waves("demo", 0.0, 0.0, 0.0),
    },
    "at": at(14, 46, 32),
    "user": USER,
}
ENGINES = (
    ENGINE,
    CPU_ENGINE,
    EngineEnvironment(
        name="old",
        python="/opt/old/bin/python",
        source="variable",
        reason="vLLM 0.9.2 is older than 0.18",
        engine="vllm",
        version="0.9.2",
    ),
    EngineEnvironment(
        name="notebook", python="/usr/bin/python3", source="notebook", reason="has no vLLM"
    ),
)
CACHED = (
    CachedModel(
        model="Qwen/Qwen3-32B",
        state="complete",
        size_bytes=gib(61.0),
        in_use_by="qwen3-32b",
        last_used_at=BEGAN,
    ),
    CachedModel(
        model="meta-llama/Llama-3.3-70B-Instruct",
        state="incomplete",
        size_bytes=gib(88.4),
        expected_bytes=gib(131.4),
        reason="4 of 30 files are missing; a launch downloads the rest",
    ),
    CachedModel(model="demo", state="complete", size_bytes=3_200_000, last_used_at=BEGAN),
)
CHECKS = (
    Check(
        name="GPU access",
        good=False,
        found="8 GPUs found, none can be opened: you are not in group `render`.",
        fix="Ask an admin to run `sudo usermod -aG render alice`, then restart your server.",
    ),
    Check(name="server", good=False, found="demo: its key file is gone", fix="%aim stop demo"),
    Check(name="engine", good=True, found="vllm 0.32.0 for rocm in vllm-0.32"),
    Check(name="state folder", good=True, found="/home/alice/.local/state, 41.0 GiB free"),
)
