"""A map as it goes, to be changed in one place by a test."""

from __future__ import annotations

from msgspec.structs import replace

from aim_jupyter.work.records import (
    BenchRun,
    Level,
    Look,
    MapRun,
    Quantiles,
    Question,
    Served,
    Workload,
)

RUN = MapRun(
    id="m-1a2b",
    question=Question(prompt="Is it kind? {text}"),
    served=Served(model="demo", engine="vllm", engine_version="0.32.0", platform="cpu"),
    into="kind",
    servers=("demo",),
    rows=1000,
    done=400,
    failed=3,
    tokens_in=40_000,
    tokens_out=8_000,
    created_at=1.0,
    started_at=1.0,
    took_s=60.0,
    sittings=1,
)
LOOK = Look(
    run=RUN,
    state="running",
    at=61.0,
    since_s=60.0,
    at_once=8,
    most=16,
    why="",
    rows_s=6.7,
    tok_in_s=660.0,
    tok_out_s=130.0,
    eta_s=(80.0, 100.0),
    causes={"timeout": 3},
    last=((399, "a text", "yes", 120.0),),
)

#: On a GPU, with all that a card can say.
_SERVED = Served(model="Qwen/Qwen3-32B", revision="9216db5", engine="vllm", engine_version="0.32.0")
_LARGE = MapRun(
    id="m-7f3a",
    question=Question(prompt="Is this review kind? {text}"),
    served=_SERVED,
    into="kind",
    servers=("qwen3-32b",),
    rows=5000,
    done=1204,
    failed=3,
    tokens_in=577_920,
    tokens_out=288_960,
    took_s=141.0,
    sittings=1,
    gpu_hours=0.04,
    energy_wh=24.0,
)
_RUNNING = Look(
    run=_LARGE,
    state="running",
    at_once=44,
    most=48,
    why="KV cache 92 %, 6 waiting, nothing preempted",
    rows_s=9.04,
    tok_in_s=4320.0,
    tok_out_s=2160.0,
    eta_s=(362.0, 480.0),
    causes={"too long": 2, "not valid": 1},
    last=(
        (1206, "The nurse <b>took</b> her time with my…", "kind", 4812.0),
        (1203, "Cold food, and nobody so much as looked up…", "unkind", 5046.0),
        (1205, "Fine for the price. The tram stops outside.", "neither", 4655.0),
    ),
    history=(1.0, 3.0, 5.0, 6.5, 8.0, 9.0, 9.2, 9.0, 8.8, 9.1, 9.0),
)
_FIRST = replace(_LARGE, done=19, failed=1, tokens_in=9_600, tokens_out=4_800, took_s=9.0)
_DONE = replace(_LARGE, done=4993, failed=7, sittings=2, took_s=566.0, gpu_hours=0.16)
MAPS = {
    "map, first rows": replace(_RUNNING, state="first rows", run=_FIRST, at_once=20, most=20),
    "map, running": _RUNNING,
    "map, stopped": replace(_RUNNING, state="stopped"),
    "map, done": replace(_RUNNING, state="done", run=_DONE),
}


def _level(at_once: int, tok_s: float, ttft_ms: float) -> Level:
    return Level(
        at_once=at_once,
        requests=4 * at_once,
        failed=0,
        took_s=10.0,
        tokens_in=4 * at_once * 480,
        tokens_out=round(10 * tok_s),
        ttft=Quantiles(p50=ttft_ms / 2, p95=ttft_ms, p99=2 * ttft_ms),
        itl=Quantiles(p50=15.0, p95=17.6, p99=30.0),
        e2e=Quantiles(p50=5000.0, p95=6000.0, p99=7000.0),
        engine={"gen_tok_s": tok_s, "prefix_hit_pct": 0.2, "power_w": 1200.0, "preempted": 0.0},
    )


#: A bench on two GPUs, whose knee is at 16 at once.
BENCH = BenchRun(
    id="b-21a0",
    served=_SERVED,
    servers=("qwen3-32b",),
    workload=Workload(tokens_in=480, tokens_out=256, of="chat", client="vllm bench serve"),
    levels=(
        _level(4, 400.0, 95.0),
        _level(8, 790.0, 130.0),
        _level(16, 1500.0, 240.0),
        _level(32, 1900.0, 905.0),
    ),
    gpus=2,
    best=16,
    rows=4,
    done=4,
    took_s=62.0,
)
#: The same with a wish that only the smaller levels keep.
LIMITED = replace(
    BENCH, workload=replace(BENCH.workload, ttft_ms=200.0), best=8, levels=BENCH.levels[:3]
)
