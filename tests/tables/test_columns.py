"""The public tables: names, order, types and units as the design promises them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aim_jupyter.core.events import Event
from aim_jupyter.core.records import (
    CachedModel,
    Choice,
    Crash,
    EngineEnvironment,
    Gpu,
    ProcessId,
    Recipe,
    Sample,
    ServerRecord,
    ServerView,
    Weights,
)
from aim_jupyter.tables import columns, kept
from aim_jupyter.tables.columns import COLUMNS, INDEX, ROW, Verb
from tests.render.samples import DEMO, ENGINE, GPUS, QWEN_32B, gib

DESIGN = Path(__file__).parents[3] / "shared/design/README.md"
LITERAL = {
    "gpus": "gpu pci model state vram_gib vram_used_gib vram_free_gib busy_pct holder server pid "
    "lease_age_s power_w temp_c gfx partition reason",
    "recipes": "recipe verdict reason users_fit precision tp gpus weights_gib kv_gib kv_need_gib "
    "overhead_gib evidence overhead_low_gib overhead_high_gib spare_gib users context_tokens "
    "kv_dtype gpu_model engine origin manual_only download_gib try_line model does",
    "ps": "state stage model recipe gpus endpoint uptime_s eta_s gen_tok_s kv_used_pct idle_s "
    "idle_left_s engine pid started_at reason does",
    "metrics": "gen_tok_s prompt_tok_s req_running req_waiting kv_used_pct prefix_hit_pct "
    "ttft_p50_ms ttft_p95_ms itl_p50_ms itl_p95_ms e2e_p50_ms e2e_p95_ms req_done req_failed "
    "preempted vram_used_gib busy_pct power_w temp_c idle_s window_s ttft_mean_ms itl_mean_ms "
    "e2e_mean_ms req_stopped req_length req_aborted req_error cpu_pct memory_gib disk_free_gib",
    "raw": "server kind labels value",
    "cache": "state size_gib expected_gib revision files files_missing in_use_by pinned "
    "last_used_at path reason kind verified shared source",
    "evict": "evict frees_gib reason kind last_used_at done path source",
    "events": "server kind stage took_s message level",
    "partitions": "state gpu_model vram_gib gpus_total gpus_free gpus_used gpus_down "
    "pending_ahead limit_s nodes gpus_per_node most_free asked_at",
    "sites": "place title like partition account gpu_model reach source",
    "queue": "user server model gpu_count gpus waited_s expected_at lasts_s until held_by reason",
    "engines": "engine version platform source usable reason path",
    "fit": "model recipe gpu_model tp engine context_tokens verdict started weights_gib "
    "weights_predicted_gib kv_gib kv_predicted_gib overhead_gib overhead_predicted_gib "
    "kv_error_pct download_s boot_s load_s compile_s capture_s ready_s",
    "runs": "kind state model server rows done failed started_at took_s gpu_hours energy_wh"
    " record reason size_gib",
    "levels": "best within requests failed took_s gen_tok_s per_gpu_tok_s ttft_p50_ms ttft_p95_ms"
    " ttft_p99_ms itl_p50_ms itl_p95_ms itl_p99_ms e2e_p50_ms e2e_p95_ms e2e_p99_ms goodput"
    " tokens_in tokens_out engine_tok_s ttft_mean_ms itl_mean_ms e2e_mean_ms prefix_hit_pct"
    " preempted kv_used_pct req_waiting power_w energy_j_tok others",
    "usage": "server model requests tokens_in tokens_out served_s gpu_hours energy_wh",
    "drift": "same agree_pct tokens then now error",
    "scores": "metric filter score stderr samples samples_of route version",
    "samples": "task sample prompt target answer filter metric score",
    "answers": "row raw cause error tokens_in tokens_out took_ms asks",
    "records": "model engine version recipe devices revision first_at",
    "differences": "then now",
}
INDEXES = {
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
    "scores": "task",
    "usage": "day",
    "drift": "row",
    "samples": None,
    "records": "record",
    "differences": "what",
    "partitions": "partition",
    "sites": "site",
    "queue": "place",
}
RECIPE = Recipe(
    id="mi300x-fp8-tp1",
    model="Qwen/Qwen3-32B",
    weights=Weights(repo="Qwen/Qwen3-32B-FP8", precision="fp8", download_bytes=gib(31.9)),
    gpu_model="MI300X",
    precision="fp8",
)


def test_every_verb_has_the_columns_of_the_contract() -> None:
    assert {verb: " ".join(names) for verb, names in COLUMNS.items()} == LITERAL
    assert INDEX == INDEXES
    assert {*ROW, *kept.ROW} == set(get_args(Verb)) == set(COLUMNS)


def test_the_contract_is_the_one_of_the_design() -> None:
    if not DESIGN.exists():
        pytest.skip(f"no design folder beside the project ({DESIGN})")
    said = {}
    for line in DESIGN.read_text().splitlines():
        if found := re.match(r"\| `(\w+)(?: --history)?` \| [^|]* \| (.*) \|$", line):
            names = re.sub(r"\([^)]*\)", "", found[2])
            said[found[1]] = " ".join(name.strip() for name in names.split(","))
    promised = {verb: names for verb, names in said.items() if verb in COLUMNS}
    assert len(promised) == 7
    for verb, names in promised.items():
        assert " ".join(COLUMNS[verb]).startswith(names), "columns may be added at the end only"


def test_gpu_row_has_gib_as_in_the_picture() -> None:
    row = columns.gpu_row(GPUS[0])
    assert tuple(row) == COLUMNS["gpus"]
    assert row["vram_gib"] == 192.0
    assert row["vram_used_gib"] == 176.9
    assert row["vram_free_gib"] == 15.1
    assert (row["gpu"], row["pci"], row["busy_pct"]) == (0, "0000:0c:00.0", 38)
    assert (row["holder"], row["server"], row["lease_age_s"]) == ("alice", "qwen3-8b", 8041)
    assert columns.gpu_row(GPUS[7])["gpu"] is None


def test_what_no_record_knows_is_none_never_zero() -> None:
    assert set(columns.gpu_row(Gpu()).values()) == {None}
    sample = columns.metrics_row("demo", Sample(at=1.0))
    assert {value for name, value in sample.items() if name != "server"} == {None}
    row = columns.recipe_row(Choice(recipe=RECIPE, verdict="NO", reason="needs 4 GPUs", rank=6))
    assert row["gpus"] is None
    assert row["weights_gib"] is row["spare_gib"] is None
    assert row["download_gib"] == 31.9


def test_recipe_row_has_the_memory_terms() -> None:
    choice = Choice(
        recipe=RECIPE,
        verdict="FITS",
        reason="9.9 GiB to spare",
        rank=1,
        gpus=(4, 5),
        weights_bytes=gib(31.9),
        kv_bytes=gib(137.9),
        kv_need_bytes=gib(128.0),
        overhead_bytes=gib(6.8),
        users_fit=17.24,
    )
    row = columns.recipe_row(choice)
    assert tuple(row) == ("rank", *COLUMNS["recipes"])
    assert row["gpus"] == "4,5"
    assert (row["kv_gib"], row["kv_need_gib"], row["spare_gib"]) == (137.9, 128.0, 9.9)
    assert (row["users_fit"], row["origin"], row["manual_only"]) == (17.2, "derived", False)


def test_server_row_joins_record_plan_and_sample() -> None:
    record = ServerRecord(
        name="qwen3-32b",
        plan=QWEN_32B,
        state="running",
        port=41873,
        created_at=60.0,
        engine=ProcessId(51, 9, "boot"),
    )
    view = ServerView(record=record, sample=Sample(at=70, gen_tok_s=411.96), uptime_s=9.6)
    row = columns.server_row(view)
    assert tuple(row) == ("server", *COLUMNS["ps"])
    assert row["endpoint"] == "http://127.0.0.1:41873/v1"
    assert (row["gpus"], row["gen_tok_s"], row["uptime_s"]) == ("4", 412.0, 10)
    assert (row["engine"], row["pid"]) == ("vllm 0.32.0", 51)
    assert row["started_at"] == datetime(1970, 1, 1, 0, 1, tzinfo=UTC)
    assert row["reason"] is None


def test_server_row_tells_why_it_failed() -> None:
    crash = Crash(what="The engine found less free memory on GPU 5 than it needs, by far.")
    record = ServerRecord(name="a", plan=DEMO, state="failed", reason="exit 1", crash=crash)
    row = columns.server_row(ServerView(record=record))
    assert row["reason"] == crash.what
    assert columns.shown("reason", row["reason"]) == (
        "The engine found less free memory on GPU 5 than i…"
    )
    assert row["gpus"] is row["pid"] is row["gen_tok_s"] is row["started_at"] is None


def test_cache_event_and_engine_rows() -> None:
    model = CachedModel(model="demo", state="complete", size_bytes=3 * 1024**2, last_used_at=0.0)
    row = ROW["cache"](model)
    assert tuple(row) == ("model", *COLUMNS["cache"])
    assert row["size_gib"] == 0.003, "something small is not nothing"
    assert row["last_used_at"] == datetime(1970, 1, 1, tzinfo=UTC)
    event = ROW["events"](Event(at=0.0, kind="stage", server="a", message="boot", took_s=19.04))
    assert tuple(event) == ("at", *COLUMNS["events"])
    assert event["took_s"] == 19.0
    engine = columns.engine_row(ENGINE)
    assert tuple(engine) == ("name", *COLUMNS["engines"])
    assert (engine["path"], engine["usable"], engine["reason"]) == (ENGINE.python, True, None)


def test_history_row_is_indexed_by_time() -> None:
    row = columns.sample_row(Sample(at=0.0, itl_p50_ms=17.63))
    assert tuple(row) == ("at", *COLUMNS["metrics"])
    assert row["itl_p50_ms"] == 17.6


@given(st.text(max_size=120))
def test_a_reason_never_passes_50_characters(reason: str) -> None:
    short = columns.shown("reason", reason)
    assert isinstance(short, str)
    assert len(short) <= 50
    assert short == reason or short.endswith("…")
    assert columns.shown("model", reason) == reason


def test_engine_environment_without_facts() -> None:
    bare = EngineEnvironment(name="x", python="/x", source="variable", reason="no vllm")
    row = columns.engine_row(bare)
    assert row["engine"] is None
    assert row["reason"] == "no vllm"
