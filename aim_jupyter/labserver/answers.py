"""From records to what the REST answers.

An allow-list by construction: rows have the columns of `aim_jupyter.tables.columns`, and what
else is said is named here, field by field. Keys, environments and command lines have no field.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import metadata
from typing import Any, Literal

import msgspec
from msgspec import Struct

from aim_jupyter.core import api
from aim_jupyter.core.errors import AimError
from aim_jupyter.core.records import (
    CachedModel,
    CacheTotals,
    Choice,
    EngineEnvironment,
    Plan,
    Sample,
    ServerView,
    Stage,
    Status,
)
from aim_jupyter.core.records.known import KnownModels, Standing
from aim_jupyter.core.records.recipe import Verdict
from aim_jupyter.core.records.server import State
from aim_jupyter.core.request import Request
from aim_jupyter.render import devices, example, mapping, starting
from aim_jupyter.tables import columns
from aim_jupyter.tables.columns import Row
from aim_jupyter.tables.known import row as known_row
from aim_jupyter.work.records import Look, LookState

StageState = Literal["done", "active", "failed", "waiting"]
#: What is said of a server beside the columns of its row.
BESIDE_THE_ROW = (
    *("fraction", "stages", "sample", "history", "crash", "can_stop", "shared_by"),
    *("client_code", "running_requests", "was_asked"),
)
#: What a sparkline shows, of the last five minutes.
HISTORY = ("gen_tok_s", "kv_used_pct", "ttft_p50_ms")
_HISTORY_S, _HISTORY_STEP_S = 300.0, 5.0
NO_GPU = "No AMD GPU found: servers run on the CPU"


class Engine(Struct, frozen=True):
    """The engine environment that would serve here."""

    name: str
    version: str | None
    platform: str | None


class Step(Struct, frozen=True, kw_only=True):
    """One stage of a start. Times in seconds; `expected_s` is what it took last time."""

    stage: Stage
    state: StageState
    took_s: float | None = None
    expected_s: float | None = None
    detail: str = ""
    fraction: float | None = None


class Cache(Struct, frozen=True, kw_only=True):
    """The cache in one line."""

    models: int
    size_gib: float | None
    free_gib: float | None
    in_use: int
    incomplete: int


class Map(Struct, frozen=True, kw_only=True):
    """A map over a table that runs now; `left` is how long it takes, in words."""

    run: str
    state: LookState
    servers: tuple[str, ...]
    rows: int
    done: int
    failed: int
    rows_s: float | None
    left: str


class StatusAnswer(Struct, frozen=True, kw_only=True):
    """All that a sidebar shows."""

    at: datetime
    host: str
    user: str | None
    version: str
    engine: Engine | None
    gpus: list[dict[str, Any]]
    gpu_note: str
    servers: list[dict[str, Any]]
    maps: list[Map]
    cache: Cache | None
    next: list[str]


class PlanAnswer(Struct, frozen=True, kw_only=True):
    """What a launch would start. `line` is the shortest one that gives the same plan."""

    line: str
    server: str
    verdict: str
    reason: str
    recipe: str
    gpus: str | None
    eta_s: float | None


class KnownModel(Struct, frozen=True, kw_only=True):
    """A row of a picker, as `records.known.KnownModel` has it."""

    model: str
    standing: Standing
    on_disk: bool
    verdict: Verdict | None
    reason: str
    recipe: str | None
    precision: str | None
    gpus_needed: int | None
    weights_gib: float | None
    users_fit: float | None
    does: list[str]
    server: str | None
    state: State | None
    shared_by: str | None
    gpus: str | None


class ModelsAnswer(Struct, frozen=True, kw_only=True):
    """What a picker shows, in its order; `suggested` is the model to open with."""

    models: list[KnownModel]
    suggested: str
    offline: bool


def status(
    found: Status, on_disk: Sequence[CachedModel], maps: Sequence[Look] = ()
) -> StatusAnswer:
    """Return the sidebar's whole picture."""
    return StatusAnswer(
        at=datetime.fromtimestamp(found.at, UTC),
        host=found.machine.host,
        user=found.user,
        version=metadata.version("aim-jupyter"),
        engine=_engine(found.engine),
        gpus=[
            columns.gpu_row(gpu) | {"mine": devices.yours(gpu, found.user)}
            for gpu in found.machine.gpus
        ],
        gpu_note="" if found.machine.gpus else NO_GPU,
        servers=[server(view) for view in found.servers],
        maps=[_map(look) for look in maps],
        cache=_cache(found.cache, on_disk),
        next=[step.line for step in found.next],
    )


def _map(look: Look) -> Map:
    run = look.run
    counts = {"rows": run.rows, "done": run.done, "failed": run.failed}
    left = mapping.eta(look)
    return Map(
        run=run.id, state=look.state, servers=run.servers, rows_s=look.rows_s, left=left, **counts
    )


def _engine(environment: EngineEnvironment | None) -> Engine | None:
    if environment is None:
        return None
    title = environment.engine_title or environment.engine or "engine"
    return Engine(title, environment.version, environment.platform)


def _cache(totals: CacheTotals | None, on_disk: Sequence[CachedModel]) -> Cache | None:
    if totals is None:
        return None
    return Cache(
        models=totals.models,
        size_gib=columns.gib(totals.size_bytes),
        free_gib=columns.gib(totals.free_bytes),
        in_use=sum(model.in_use_by is not None for model in on_disk),
        incomplete=totals.incomplete,
    )


def server(view: ServerView) -> Row | dict[str, Any]:
    """Return all that is shown of one server: its row, its start, its figures, its end."""
    record, sample = view.record, view.sample
    return columns.server_row(view) | {
        "fraction": starting.fraction(view) if record.state == "starting" else None,
        "stages": steps(view),
        "sample": columns.metrics_row(record.name, sample) if sample else None,
        "history": history(view),
        "crash": record.crash,
        "can_stop": not view.shared_by and (record.live or record.state == "unknown"),
        "shared_by": view.shared_by,
        "client_code": example.client_code(record),
        "running_requests": sample.req_running if sample else None,
        # Where nobody has asked it yet, it is idle since it became ready.
        "was_asked": record.idle_since != record.ready_at,
    }


def history(view: ServerView) -> dict[str, list[columns.Value]]:
    """Return what a server did in the last minutes, a value every five seconds, oldest first."""
    past: list[Sample] = []
    if view.record.ready_at is not None and view.shared_by is None:
        with contextlib.suppress(AimError):
            past = api.history(view.record.name, _HISTORY_S, every_s=_HISTORY_STEP_S)
    rows = [columns.metrics_row(view.record.name, sample) for sample in past]
    return {name: [row[name] for row in rows] for name in HISTORY}


def steps(view: ServerView) -> list[Step]:
    """Return the stages of a start: those that were, the one that is, those that will come."""
    failed = view.record.state == "failed"
    return [
        Step(
            stage=line.stage,
            state=_step_state(line, failed=failed and line.stage == view.record.stage),
            took_s=line.took_s,
            expected_s=line.last_s,
            detail=line.detail,
            fraction=line.fraction,
        )
        for line in starting.stages(view)
        if line.begun or view.record.state == "starting"
    ]


def _step_state(line: starting.Line, *, failed: bool) -> StageState:
    if failed:
        return "failed"
    if line.now:
        return "active"
    return "done" if line.begun else "waiting"


def planned(request: Request, choice: Choice, plan: Plan) -> PlanAnswer:
    """Return what a launch would start."""
    return PlanAnswer(
        line=api.launch_line(request),
        server=plan.server,
        verdict=choice.verdict,
        reason=choice.reason,
        recipe=plan.recipe_id,
        gpus=",".join(map(str, plan.gpus)) or None,
        eta_s=api.last_start_s(plan),
    )


def models(found: KnownModels) -> ModelsAnswer:
    """Return what a picker shows."""
    rows = (msgspec.convert(known_row(one), KnownModel) for one in found.models)
    return ModelsAnswer(models=list(rows), suggested=found.suggested, offline=found.offline)
