"""Recipes and questions as the fit judges them, on machines that are not there."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from aim_jupyter.core import api, fit, gpus, recipes
from aim_jupyter.core import choice as choosing
from aim_jupyter.core.fit import device_of
from aim_jupyter.core.recipes.arguments.options import named
from aim_jupyter.core.records import (
    Choice,
    Machine,
    Plan,
    ServerRecord,
    StageTime,
)
from aim_jupyter.core.records.fit import Settings
from aim_jupyter.core.request.record import Request
from aim_jupyter.core.request.settings import settings_of
from aim_jupyter.core.sizes import GIB

LLAMA = "meta-llama/Llama-3.3-70B-Instruct"
# The catalogue was never told what kind of model this is.
UNTOLD = "tencent/Hy3"


def ranked(
    model: str, spec: str = "mi300x:8", machine: Machine | None = None, **asked: Any
) -> tuple[Choice, ...]:
    """Return the recipes of a model in order, as the fit judges them."""
    here = machine or gpus.machine(spec)
    found, there = recipes.catalogue().find(model), choosing.Conditions(machine=here)
    judge = choosing.Judge(found, there, starts=asked.pop("starts", ()))
    return choosing.ranked(found, Request(model=model, **asked), there, judge)


def only(choices: tuple[Choice, ...], recipe: str) -> Choice:
    return next(one for one in choices if one.recipe.id == recipe)


# -- recipes -------------------------------------------------------------------------------------


def test_a_choice_has_the_whole_sum() -> None:
    choice = only(ranked("Qwen/Qwen3-32B", users=16, context=32768), "mi300x-bf16-tp2")
    assert (choice.verdict, choice.users, choice.context_tokens) == ("FITS", 16, 32768)
    assert choice.kv_need_bytes == pytest.approx(64 * GIB, rel=0.001)  # half of it on each GPU
    assert choice.overhead_low_bytes is not None
    assert choice.overhead_bytes is not None
    assert choice.overhead_high_bytes is not None
    assert choice.overhead_low_bytes < choice.overhead_bytes < choice.overhead_high_bytes
    taken = sum((choice.weights_bytes or 0, choice.kv_bytes or 0, choice.overhead_bytes))
    share = choice.recipe.args["gpu-memory-utilization"]
    assert taken == pytest.approx(share * (choice.total_bytes or 0), abs=8)
    assert (choice.users_fit or 0) > 16


@pytest.mark.parametrize("model", ["Qwen/Qwen3-32B", LLAMA, "openai/gpt-oss-120b"])
@pytest.mark.parametrize("spec", ["mi300x:1", "mi300x:8", "mi210:2", "mi355x:1"])
def test_no_reason_is_too_long(model: str, spec: str) -> None:
    for choice in ranked(model, spec, users=64, context=32768):
        assert not choice.reason.endswith("…")
        assert choice.verdict == "FITS" or choice.reason


def test_what_others_hold_counts() -> None:
    machine = gpus.machine("mi300x:1")
    held = [structs.replace(gpu, vram_used_bytes=100 * GIB) for gpu in machine.gpus]
    choices = ranked("Qwen/Qwen3-8B", machine=structs.replace(machine, gpus=tuple(held)))
    best = only(choices, "mi300x-bf16-tp1")
    assert best.verdict == "NO"
    assert "GiB free" in best.reason
    assert only(ranked("Qwen/Qwen3-8B", "mi300x:1"), "mi300x-bf16-tp1").verdict == "FITS"


def test_the_users_own_options_count() -> None:
    asked: dict[str, Any] = {"users": 16, "context": 32768, "recipe": "mi300x-bf16-tp1"}
    plain = ranked("Qwen/Qwen3-32B", "mi300x:1", **asked)[0]
    smaller = ranked("Qwen/Qwen3-32B", "mi300x:1", options={"--kv-cache-dtype": "fp8"}, **asked)[0]
    assert (plain.verdict, smaller.verdict) == ("NO", "FITS")
    assert (plain.kv_dtype, smaller.kv_dtype) == ("auto", "fp8")


def test_what_the_fit_can_not_tell_is_never_called_fitting() -> None:
    placed = [one for one in ranked(UNTOLD) if one.gpus]
    assert {one.verdict for one in placed} == {"TIGHT"}
    assert all(one.reason.endswith("GiB of weights; KV cache unknown") for one in placed)
    alone = [one for one in ranked(UNTOLD, "mi300x:1") if one.total_bytes]
    assert all(one.verdict == "NO" and one.reason.startswith("weights need") for one in alone)


def test_the_whole_catalogue_is_judged_in_time() -> None:
    api.recipe_list(simulated="mi300x:8")
    began = time.process_time()
    best = api.recipe_list(simulated="mi300x:8")
    took = time.process_time() - began
    assert len(best) > 80
    # The promise of 300 ms is the benchmark's; here only that nothing is asked twice over.
    assert took < 6
    refused = [one for one in best if one.verdict != "FITS"]
    assert all(one.try_line == f"%aim recipes {one.recipe.model}" for one in refused)


# -- small things --------------------------------------------------------------------------------


def test_options_are_read_as_the_engine_reads_them() -> None:
    said = {
        "--max-model-len": "32k",
        "kv-cache-memory-bytes": "64M",
        "gpu_memory_utilization": "0.95",
        "enforce-eager": None,
        "max-num-seqs": "many",
    }
    found = settings_of(named(said), Settings(tp=2))
    assert found == Settings(
        tp=2, max_model_len=32000, kv_cache_bytes=64 * 2**20, util=0.95, enforce_eager=True
    )


def test_memory_that_is_not_known_is_no_device() -> None:
    gpu = structs.replace(gpus.machine("mi300x:1").gpus[0], vram_bytes=None)
    assert device_of((gpu,), 1) is None
    assert device_of((), 1) is None


LOG = """
Model loading took 15.27 GiB memory and 12.5 seconds
Available KV cache memory: 154.50 GiB
GPU KV cache size: 1,125,000 tokens, Maximum concurrency for 8,192 tokens per request: 137.3x
"""


def test_a_start_is_told_from_its_folder(tmp_path: Path) -> None:
    model = tmp_path / "model"
    model.mkdir()
    (model / "config.json").write_text(json.dumps(fit.config_of("Qwen/Qwen3-8B")))
    (tmp_path / "engine.log").write_text(LOG)
    plan = Plan(
        server="a",
        model=str(model),
        recipe_id="mi300x-bf16-tp1",
        origin="derived",
        engine="vllm",
        engine_name="x",
        engine_version="0.18.0",
        platform="rocm",
        model_path=str(model),
        argv=("python", "--max-model-len", "8192", "--gpu-memory-utilization=0.92", "--flag"),
        env={},
        gpus=(1,),
        gpu_model="MI300X",
    )
    stages = (StageTime(stage="boot", began_at=0, took_s=9.0),)
    record = ServerRecord(
        name="a", plan=plan, state="running", created_at=100.0, ready_at=160.0, stages=stages
    )
    machine = gpus.machine("mi300x:2")
    start = choosing.start_of(record, tmp_path / "engine.log", machine)
    assert start is not None
    assert (start.started, start.forced, start.verdict) == (True, False, "FITS")
    assert (start.boot_s, start.load_s, start.ready_s) == (9.0, None, 60.0)
    assert (start.gpu_model, start.engine, start.context_tokens) == ("MI300X", "0.18.0", 8192)
    assert start.kv_bytes == int(154.5 * GIB)
    assert start.weights_bytes == int(15.27 * GIB)
    assert start.weights_predicted_bytes == pytest.approx(start.weights_bytes, rel=0.01)
    again = choosing.start_of(record, tmp_path / "engine.log", machine, [start])
    assert again is not None
    assert again.kv_predicted_bytes == pytest.approx(start.kv_bytes, abs=GIB / 4), "learned"
    (model / "config.json").unlink()
    assert choosing.start_of(record, tmp_path / "engine.log", machine) is None


def test_a_broken_history_is_no_reason_to_stop(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIM_STATE_DIR", str(tmp_path / "s"))
    (tmp_path / "s/fit/starts.jsonl").mkdir(parents=True)
    assert choosing.learned() == ()
