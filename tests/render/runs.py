"""A map as it goes, to be changed in one place by a test."""

from __future__ import annotations

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
