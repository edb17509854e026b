"""A map as it goes, to be changed in one place by a test."""

from __future__ import annotations

from msgspec.structs import replace

from aim_jupyter.work.records import Look, Question, Run, Served

RUN = Run(
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
_LARGE = Run(
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
