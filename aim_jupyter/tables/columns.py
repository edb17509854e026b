"""The names, order, types and units of every table that a verb returns: a public contract.

The suffix of a name is its unit: ``_gib _pct _s _ms _tok_s _w _c _tokens``, and ``_at`` is a time
in UTC. A name has one type wherever it stands. A column may be added at the end; none is renamed
or dropped without a major version. Unknown is None here and ``<NA>`` in a DataFrame.

`aim_jupyter.tables.frames` makes DataFrames of these rows; the command line prints them as
they are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any, Literal

from aim_jupyter.core.records import (
    Choice,
    EngineEnvironment,
    Eviction,
    Gpu,
    Partition,
    Sample,
    ServerView,
    Waiting,
)
from aim_jupyter.core.records.provenance import Provenance
from aim_jupyter.core.sizes import GIB
from aim_jupyter.tables.types import EXACT, TIME, dtype

Verb = Literal[
    "gpus", "recipes", "ps", "metrics", "raw", "cache", "evict", "events", "engines", "fit",
    "runs", "answers", "levels", "scores", "samples", "records", "differences", "partitions",
    "sites", "queue", "usage", "drift",
]  # fmt: skip
Value = str | int | float | bool | datetime | None
Row = dict[str, Value]

# pandas cuts longer text in its display; a reason that ends in "…" says that there is more.
REASON_LENGTH = 50

INDEX: dict[Verb, str | None] = {
    "gpus": None,
    "recipes": "rank",
    "ps": "server",
    "metrics": "server",
    "raw": "metric",
    "cache": "model",
    "evict": "model",
    "events": "at",
    "engines": "name",
    "fit": "at",
    "runs": "run",
    "answers": None,
    "levels": "at_once",
    "usage": "day",
    "drift": "row",
    "scores": "task",
    "samples": None,
    "records": "record",
    "differences": "what",
    "partitions": "partition",
    "sites": "site",
    "queue": "place",
}

COLUMNS: dict[Verb, tuple[str, ...]] = {
    "gpus": (
        *("gpu", "pci", "model", "state", "vram_gib", "vram_used_gib", "vram_free_gib"),
        *("busy_pct", "holder", "server", "pid", "lease_age_s", "power_w", "temp_c"),
        *("gfx", "partition", "reason"),
    ),
    "recipes": (
        *("recipe", "verdict", "reason", "users_fit", "precision", "tp", "gpus"),
        *("weights_gib", "kv_gib", "kv_need_gib", "overhead_gib", "evidence"),
        *("overhead_low_gib", "overhead_high_gib", "spare_gib", "users", "context_tokens"),
        *("kv_dtype", "gpu_model", "engine", "origin", "manual_only", "download_gib", "try_line"),
        *("model", "does"),
    ),
    "ps": (
        *("state", "stage", "model", "recipe", "gpus", "endpoint", "uptime_s", "eta_s"),
        *("gen_tok_s", "kv_used_pct", "idle_s", "idle_left_s", "engine", "pid"),
        *("started_at", "reason", "does"),
    ),
    "metrics": (
        *("gen_tok_s", "prompt_tok_s", "req_running", "req_waiting", "kv_used_pct"),
        *("prefix_hit_pct", "ttft_p50_ms", "ttft_p95_ms", "itl_p50_ms", "itl_p95_ms"),
        *("e2e_p50_ms", "e2e_p95_ms", "req_done", "req_failed", "preempted"),
        *("vram_used_gib", "busy_pct", "power_w", "temp_c", "idle_s", "window_s"),
        *("ttft_mean_ms", "itl_mean_ms", "e2e_mean_ms", "req_stopped", "req_length"),
        *("req_aborted", "req_error", "cpu_pct", "memory_gib", "disk_free_gib"),
    ),
    # What an engine exports, under its own names: `metrics --raw`.
    "raw": ("server", "kind", "labels", "value"),
    "cache": (
        *("state", "size_gib", "expected_gib", "revision", "files", "files_missing"),
        *("in_use_by", "pinned", "last_used_at", "path", "reason"),
        *("kind", "verified", "shared", "source"),
    ),
    # The plan of `cache evict`: what goes first, then what stays.
    "evict": ("evict", "frees_gib", "reason", "kind", "last_used_at", "done", "path", "source"),
    "events": ("server", "kind", "stage", "took_s", "message", "level"),
    "engines": ("engine", "version", "platform", "source", "usable", "reason", "path"),
    # The starts of `fit --history`.
    "fit": (
        *("model", "recipe", "gpu_model", "tp", "engine", "context_tokens", "verdict", "started"),
        *("weights_gib", "weights_predicted_gib", "kv_gib", "kv_predicted_gib", "overhead_gib"),
        *("overhead_predicted_gib", "kv_error_pct", "download_s", "boot_s", "load_s"),
        *("compile_s", "capture_s", "ready_s"),
    ),
    "runs": (
        *("kind", "state", "model", "server", "rows", "done", "failed", "started_at", "took_s"),
        *("gpu_hours", "energy_wh", "record", "reason", "size_gib"),
    ),
    # The rows of one run: `runs frame`.
    "answers": ("row", "raw", "cause", "error", "tokens_in", "tokens_out", "took_ms", "asks"),
    # Rows of a map that were asked again.
    "drift": ("same", "agree_pct", "tokens", "then", "now", "error"),
    "usage": (
        *("server", "model", "requests", "tokens_in", "tokens_out", "served_s", "gpu_hours"),
        "energy_wh",
    ),
    # Those of an evaluation: its figures, and what was asked for them.
    "scores": (
        *("metric", "filter", "score", "stderr", "samples", "samples_of", "route", "version"),
    ),
    "samples": ("task", "sample", "prompt", "target", "answer", "filter", "metric", "score"),
    # Those of a bench: the client's side first, then the engine's.
    "levels": (
        *("best", "within", "requests", "failed", "took_s", "gen_tok_s", "per_gpu_tok_s"),
        *("ttft_p50_ms", "ttft_p95_ms", "ttft_p99_ms", "itl_p50_ms", "itl_p95_ms", "itl_p99_ms"),
        *("e2e_p50_ms", "e2e_p95_ms", "e2e_p99_ms", "goodput", "tokens_in", "tokens_out"),
        *("engine_tok_s", "ttft_mean_ms", "itl_mean_ms", "e2e_mean_ms", "prefix_hit_pct"),
        *("preempted", "kv_used_pct", "req_waiting", "power_w", "energy_j_tok", "others"),
    ),
    "records": ("model", "engine", "version", "recipe", "devices", "revision", "first_at"),
    "differences": ("then", "now"),
    # Where GPUs are at a site: `gpus --on`.
    "partitions": (
        *("state", "gpu_model", "vram_gib", "gpus_total", "gpus_free", "gpus_used", "gpus_down"),
        *("pending_ahead", "limit_s", "nodes", "gpus_per_node", "most_free", "asked_at"),
    ),
    "sites": ("place", "title", "like", "partition", "account", "gpu_model", "reach", "source"),
    # Who waits for GPUs of this machine: `gpu_count` of these.
    "queue": (
        *("user", "server", "model", "gpu_count", "gpus", "waited_s", "expected_at", "lasts_s"),
        *("until", "held_by", "reason"),
    ),
}


def gpu_row(gpu: Gpu) -> Row:
    """Return the row of one GPU."""
    free = _difference(gpu.vram_bytes, gpu.vram_used_bytes)
    return row(
        "gpus",
        gpu,
        gpu=gpu.hip_index,
        pci=gpu.pci_bdf,
        vram_free_gib=_gib(free),
        partition=gpu.compute_partition,
    )


def recipe_row(choice: Choice) -> Row:
    """Return the row of one recipe and the verdict on it."""
    recipe = choice.recipe
    return row(
        "recipes",
        choice,
        rank=choice.rank,
        recipe=recipe.id,
        model=recipe.model,
        precision=recipe.precision,
        tp=recipe.tp,
        gpus=_ordinals(choice.gpus),
        spare_gib=_gib(_difference(choice.kv_bytes, choice.kv_need_bytes)),
        gpu_model=recipe.gpu_model,
        engine=recipe.engine,
        origin=recipe.origin,
        manual_only=recipe.manual_only,
        download_gib=_gib(recipe.weights.download_bytes),
        does=_words(choice.does),
    )


def server_row(view: ServerView) -> Row:
    """Return the row of one server."""
    record, plan = view.record, view.record.plan
    sample = view.sample or Sample(at=0.0)
    return row(
        "ps",
        view,
        server=record.name,
        state=record.state,
        stage=record.stage,
        model=plan.model,
        recipe=plan.recipe_id,
        # Of those that it waits for, or waited for in vain, it has none.
        gpus=None if record.stage == "queued" else _ordinals(plan.gpus),
        endpoint=record.endpoint,
        gen_tok_s=sample.gen_tok_s,
        kv_used_pct=sample.kv_used_pct,
        engine=f"{plan.engine} {plan.engine_version}",
        pid=record.engine.pid if record.engine else None,
        started_at=record.created_at or None,
        reason=record.crash.what if record.crash else record.reason,
        does=_words(record.does),
    )


def metrics_row(server: str, sample: Sample) -> Row:
    """Return the row of one server's activity."""
    return row("metrics", sample, server=server)


def sample_row(sample: Sample) -> Row:
    """Return the row of one moment of a server's history, indexed by ``at``."""
    return _ordered(("at", *COLUMNS["metrics"]), sample, {})


def eviction_row(eviction: Eviction) -> Row:
    """Return the row of one repository in a plan of what is evicted."""
    return row("evict", eviction, path=eviction.folder)


def engine_row(environment: EngineEnvironment) -> Row:
    """Return the row of one engine environment."""
    image = environment.image
    # An image has no path here: what it is found by is its id.
    path = f"{image.program} {image.id[:12]}" if image is not None else environment.python
    return row("engines", environment, path=path)


def partition_row(part: Partition) -> Row:
    """Return the row of one partition of a site."""
    return row("partitions", part, partition=part.name, pending_ahead=part.pending)


def waiting_row(waiting: Waiting) -> Row:
    """Return the row of one who waits for GPUs."""
    return row(
        "queue",
        waiting,
        gpu_count=waiting.count,
        gpus=_ordinals(waiting.gpus),
        held_by=", ".join(waiting.held_by) or None,
        reason=waiting.why,
    )


def record_row(kept: Provenance) -> Row:
    """Return the row of one record of what was served."""
    served = kept.served
    return row(
        "records",
        served,
        record=kept.id,
        version=served.engine_version,
        devices=", ".join(served.devices),
        first_at=kept.first_at or None,
    )


def shown(name: str, value: Value) -> Value:
    """Return the value of a column as a table shows it: a reason in at most 50 characters.

    Rows have it whole, for ``--json``, REST and cards. What is short is no amount to spare.
    """
    if name == "spare_gib" and isinstance(value, float):
        return max(0.0, value)
    if name != "reason" or not isinstance(value, str) or len(value) <= REASON_LENGTH:
        return value
    return value[: REASON_LENGTH - 1].rstrip() + "…"


def row(verb: Verb, record: object, /, **facts: Any) -> Row:
    """Return the row of a verb's table: what is not among `facts` is a field of the record."""
    index = INDEX[verb]
    return _ordered(((index,) if index else ()) + COLUMNS[verb], record, facts)


def _ordered(names: tuple[str, ...], record: object, facts: Mapping[str, Any]) -> Row:
    """Put a row in order: what is not among `facts` is a field of the record."""
    return {
        name: _shaped(name, facts[name] if name in facts else _field(record, name))
        for name in names
    }


def _field(record: object, name: str) -> Any:
    """Return the record's field of that name, or for ``x_gib`` its ``x_bytes``."""
    if name.endswith("_gib"):
        return _gib(getattr(record, f"{name.removesuffix('gib')}bytes"))
    return getattr(record, name)


def _shaped(name: str, value: Any) -> Value:
    """Return a value of the column's type, rounded to what its reader can use."""
    kind = dtype(name)
    shaped: Value = value
    if value is None:
        shaped = None
    elif name == "reason":
        shaped = value or None
    elif kind == "Int64":
        shaped = round(value)
    elif kind == "Float64":
        shaped = float(value) if name in EXACT else rounded(float(value))
    elif kind == TIME:
        shaped = datetime.fromtimestamp(value, UTC)
    return shaped


def rounded(value: float) -> float:
    """Return a figure with one decimal, with three where that would be 0."""
    # Something small stays something: the demo model has 0.003 GiB, not 0.0.
    return round(value, 1) or round(value, 3)


def gib(size: float | None) -> float | None:
    """Return a size in bytes as GiB, rounded as the tables have it."""
    exact = _gib(size)
    return None if exact is None else rounded(exact)


def _gib(size: float | None) -> float | None:
    return None if size is None else size / GIB


def _difference(whole: int | None, part: int | None) -> int | None:
    return None if whole is None or part is None else whole - part


def _words(words: tuple[str, ...]) -> str | None:
    return ", ".join(words) or None


def _ordinals(gpus: tuple[int, ...]) -> str | None:
    return ",".join(map(str, gpus)) or None


#: How the record of each verb becomes its row; `metrics` also wants the server's name. What is
#: kept of work over servers has its own in `kept`.
ROW: Mapping[Verb, Callable[..., Row]] = {
    "gpus": gpu_row,
    "recipes": recipe_row,
    "ps": server_row,
    "metrics": metrics_row,
    "raw": partial(row, "raw"),
    "cache": partial(row, "cache"),
    "evict": eviction_row,
    "events": partial(row, "events"),
    "engines": engine_row,
    "fit": partial(row, "fit"),
    "usage": partial(row, "usage"),
    "records": record_row,
    "differences": partial(row, "differences"),
    "partitions": partition_row,
    "sites": lambda site: row("sites", site, site=site.name, gpu_model=site.gpu or None),
    "queue": waiting_row,
}
