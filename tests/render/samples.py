"""The invented machine of the design's pictures, as records: the same figures, to compare with."""

from __future__ import annotations

import time

from msgspec.structs import replace

from aim_jupyter.core.records import (
    CacheTotals,
    Cpu,
    Crash,
    EngineEnvironment,
    Gpu,
    Machine,
    NextStep,
    Plan,
    Sample,
    ServerRecord,
    ServerView,
    Stage,
    StageTime,
    State,
    Status,
)
from aim_jupyter.core.sizes import GIB

USER = "alice"
MASK = "ROCR_VISIBLE_DEVICES=0,1,2,3,4,5,6"
# 23 November 2026 as the reader's clock shows it, wherever the tests run.
DAY = (2026, 11, 23)


def at(hour: int, minute: int, second: int) -> float:
    """Return seconds since the epoch for a time of that day, on the reader's clock."""
    return time.mktime((*DAY, hour, minute, second, 0, 0, -1))


def gib(value: float) -> int:
    """Return GiB as bytes."""
    return round(value * GIB)


def gpu(index: int | None, pci: str, used: float, **facts: object) -> Gpu:
    """Return one MI300X."""
    known = {
        "hip_index": index,
        "pci_bdf": f"0000:{pci}:00.0",
        "model": "MI300X",
        "gfx": "gfx942",
        "vram_bytes": gib(192),
        "vram_used_bytes": gib(used),
        "busy_pct": 0.0,
    }
    return Gpu(**{**known, **facts})  # type: ignore[arg-type]


BOB = {"state": "busy", "holder": "bob", "server": "llama-3.3-70b", "lease_age_s": 18122.0}
GPUS = (
    gpu(
        *(0, "0c", 176.9),
        state="busy",
        holder=USER,
        server="qwen3-8b",
        pid=41207,
        lease_age_s=8041.0,
        busy_pct=38.0,
        power_w=402.0,
        temp_c=54.0,
    ),
    gpu(1, "22", 177.2, pid=38850, busy_pct=91.0, power_w=688.0, temp_c=66.0, **BOB),
    gpu(2, "38", 177.0, pid=38851, busy_pct=90.0, power_w=690.0, temp_c=67.0, **BOB),
    gpu(
        *(3, "5c", 61.4),
        state="busy",
        holder="chen",
        pid=48213,
        busy_pct=4.0,
        power_w=162.0,
        temp_c=43.0,
    ),
    gpu(4, "9f", 0.3, state="free", power_w=139.0, temp_c=37.0),
    gpu(5, "af", 0.3, state="free", power_w=141.0, temp_c=38.0),
    gpu(6, "bf", 46.2, state="unexplained", power_w=140.0, temp_c=37.0),
    gpu(None, "df", 0.3, state="hidden"),
)
MACHINE = Machine(host="gpu-07", gpus=GPUS, read_s=0.012)
LAPTOP = Machine(host="laptop", cpu=Cpu(model="CPU", cores=8), read_s=0.002)


def engine(name: str, platform: str) -> EngineEnvironment:
    """Return a managed environment with the vLLM of the pictures."""
    return EngineEnvironment(
        name=name,
        python=f"/home/alice/.local/share/aim_jupyter/engines/{name}/bin/python",
        source="managed",
        engine="vllm",
        engine_title="vLLM",
        version="0.32.0",
        platform=platform,
        usable=True,
    )


ENGINE = engine("vllm-0.32", "rocm 7.2")
CPU_ENGINE = engine("vllm-cpu-0.32", "cpu")


def plan(server: str, model: str, recipe: str, gpus: tuple[int, ...]) -> Plan:
    """Return a plan of the pictures."""
    return Plan(
        server=server,
        model=model,
        recipe_id=recipe,
        origin="amd-validated",
        engine="vllm",
        engine_name="vllm-0.32",
        engine_version="0.32.0",
        platform="rocm",
        model_path=model,
        argv=("python", "-m", "vllm"),
        env={},
        gpus=gpus,
        gpu_model="MI300X" if gpus else "cpu",
        asked=(model, "--recipe", recipe, *(("--gpus", ",".join(map(str, gpus))) if gpus else ())),
    )


QWEN_32B = plan("qwen3-32b", "Qwen/Qwen3-32B", "mi300x-fp8-tp1", (4,))
QWEN_8B = plan("qwen3-8b", "Qwen/Qwen3-8B", "mi300x-bf16-tp1", (0,))
DEMO = plan("demo", "demo", "cpu-bf16-tp1", ())
BEGAN = at(14, 10, 0)


def stages(*done: tuple[Stage, float, str]) -> tuple[StageTime, ...]:
    """Return ended stages, one after the other, from `BEGAN` on."""
    times, now = [], BEGAN
    for stage, took, detail in done:
        times.append(StageTime(stage=stage, began_at=now, took_s=took, detail=detail))
        now += took
    return tuple(times)


def view(state: State, **facts: object) -> ServerView:
    """Return the server of `launch.png` in some state."""
    known = {"name": "qwen3-32b", "plan": QWEN_32B, "state": state, "created_at": BEGAN}
    return ServerView(record=ServerRecord(**{**known, **facts}), at=BEGAN + 61)  # type: ignore[arg-type]


RUNNING_8B = ServerView(
    record=ServerRecord(name="qwen3-8b", plan=QWEN_8B, state="running", port=41100),
    sample=Sample(
        at=BEGAN,
        gen_tok_s=412.0,
        kv_used_pct=18.0,
        ttft_p50_ms=52.0,
        ttft_p95_ms=91.0,
        req_running=2,
        req_waiting=0,
    ),
)
STATUS = Status(
    at=at(14, 2, 11),
    read_s=0.012,
    machine=MACHINE,
    user=USER,
    engine=ENGINE,
    servers=(RUNNING_8B,),
    cache=CacheTotals(
        models=9,
        incomplete=1,
        size_bytes=round(1.24 * 1024 * GIB),
        free_bytes=round(2.61 * 1024 * GIB),
    ),
    next=(
        NextStep(line="%aim recipes Qwen/Qwen3-32B", what="see what fits on GPU 4 and 5"),
        NextStep(line="client = %aim client", what="talk to qwen3-8b"),
    ),
)
LAPTOP_STATUS = Status(
    at=at(9, 41, 3),
    read_s=0.002,
    machine=LAPTOP,
    user=USER,
    engine=CPU_ENGINE,
    next=(
        NextStep(
            line="server = %aim launch",
            what="start the CPU demo: about 25 s, under 2 GiB of memory",
        ),
    ),
)

EXPECTED = {
    "download": 1.0,
    "boot": 19.0,
    "load": 54.0,
    "compile": 38.0,
    "capture": 29.0,
    "ready": 2.0,
}
STARTING = ServerView(
    record=ServerRecord(
        name="qwen3-32b",
        plan=QWEN_32B,
        created_at=BEGAN,
        stages=(
            *stages(
                ("download", 1.0, "31.9 GiB already in the cache, verified"),
                ("boot", 19.0, "vLLM 0.32.0, 1 worker"),
            ),
            StageTime(
                stage="load",
                began_at=BEGAN + 20,
                detail="shard 5 of 7 · 22.8 of 31.9 GiB",
                fraction=5 / 7,
            ),
        ),
        expected_s=EXPECTED,
        log_lines=214,
        log_last="Loading safetensors checkpoint shards: 71% Completed | 5/7",
    ),
    at=BEGAN + 61,
    eta_s=85.0,
)
READY = ServerView(
    record=ServerRecord(
        name="qwen3-32b",
        plan=QWEN_32B,
        state="running",
        created_at=BEGAN,
        ready_at=BEGAN + 149,
        stages=stages(
            ("download", 1.0, ""),
            ("boot", 20.0, ""),
            ("load", 56.0, ""),
            ("compile", 40.0, ""),
            ("capture", 30.0, ""),
            ("ready", 2.0, ""),
        ),
        expected_s=EXPECTED,
        port=41873,
        log_lines=1018,
        facts={
            "weights_gib": 32.0,
            "kv_gib": 138.4,
            "kv_tokens": 566886.0,
            "users": 17.3,
            "context_tokens": 32768.0,
            "weights_predicted_gib": 31.9,
            "kv_predicted_gib": 137.9,
            "first_token_s": 0.212,
        },
    ),
    at=BEGAN + 150,
)
FAILED = ServerView(
    record=ServerRecord(
        name="qwen3-32b",
        plan=plan("qwen3-32b", "Qwen/Qwen3-32B", "mi300x-fp8-tp1", (5,)),
        state="failed",
        created_at=BEGAN,
        ended_at=BEGAN + 24,
        stages=stages(("download", 1.0, ""), ("boot", 23.0, "")),
        exit_code=1,
        log_lines=402,
        crash=Crash(
            what="The engine found less free memory on GPU 5 than it needs.",
            line=(
                "ValueError: Free memory on device cuda:0 (130.4/191.98 GiB) on startup is less "
                "than desired GPU memory utilization (0.92, 176.62 GiB)."
            ),
            line_number=187,
            log_lines=402,
            process="Worker",
            excerpt=("Traceback (most recent call last):", "ValueError: Free memory on device …"),
            cause=(
                "chen started pid 51877 on GPU 5, without a lease, 9 s after your lease began. "
                "It holds 61.3 GiB."
            ),
            try_line="%aim launch Qwen/Qwen3-32B --users 16 --gpus 4",
            try_change="--gpus 4",
            try_reason="GPU 4 is free: 9.9 GiB to spare",
            cleaned_up=(
                "no engine process left; this server holds no memory on GPU 5 (checked after 3 s)"
            ),
        ),
    ),
    at=BEGAN + 30,
)
LOG_TAIL = (
    "(APIServer pid=52001) INFO 11-23 14:10:01 [api_server.py:1900] vLLM API server version 0.32.0",
    "(EngineCore pid=52044) ERROR 11-23 14:10:23 [core.py:880] Traceback (most recent call last):",
    "(EngineCore pid=52044) ERROR   raise ValueError('Free memory on device cuda:0')",
)
# A start that no earlier one can tell anything about.
FIRST_START = ServerView(
    record=ServerRecord(
        name="demo",
        plan=DEMO,
        created_at=BEGAN,
        stages=(
            *stages(("boot", 7.2, "vLLM 0.32.0")),
            StageTime(stage="load", began_at=BEGAN + 7.2, detail="shard 1 of 2", fraction=0.5),
        ),
        log_lines=1,
        log_last="Loading safetensors checkpoint shards: 50% Completed | 1/2",
    ),
    at=BEGAN + 9,
)
ENDINGS: dict[State, ServerView] = {
    "stopping": view("stopping", reason="3 requests end first, for up to 20 s", log_lines=1018),
    "stopped": view(
        "stopped",
        reason="60 min without a request",
        ready_at=BEGAN + 149,
        ended_at=BEGAN + 9000,
        log_lines=1100,
    ),
    "unknown": view("unknown", log_lines=1018),
    "failed": view("failed", reason="killed by signal 9", ready_at=BEGAN, ended_at=BEGAN + 700),
}


def changed(view: ServerView, **facts: object) -> ServerView:
    """Return the view with another record."""
    return replace(view, record=replace(view.record, **facts))
