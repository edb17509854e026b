"""A map as a job of Ray Data LLM: what goes along, and that the real one does it."""

from __future__ import annotations

import ast
import json
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

import aim_jupyter as aim
from aim_jupyter.cli import main
from aim_jupyter.core import config
from aim_jupyter.core.errors import BadUsage
from aim_jupyter.work import runs
from aim_jupyter.work.map import batch
from aim_jupyter.work.records import MapRun
from tests.conftest import use_installed_engine
from tests.ray import environment
from tests.waiting import launch_ready

ROWS = 100
PROMPT = 'Is {{this}} "kind"? {text}'


def test_the_settings_of_a_server_are_those_of_an_engine_without_one() -> None:
    argv = (
        *("python", "-m", "vllm", "serve", "/m", "--served-model-name", "a", "default"),
        *("--host", "127.0.0.1", "--scheduling-policy", "priority", "--dtype", "float32"),
        *("--kv-cache-memory-bytes", "512M", "--max-model-len=4k", "--enforce-eager"),
        *("--no-async-scheduling", "--override-generation-config", '{"temperature": 0.0}'),
    )
    assert batch.engine_settings(argv) == {
        "dtype": "float32",
        "kv_cache_memory_bytes": 512 << 20,
        "max_model_len": 4000,
        "enforce_eager": True,
        "async_scheduling": False,
        "override_generation_config": {"temperature": 0.0},
    }


def test_a_run_is_exported_with_its_prompt_and_schema(
    fake: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    fake()
    launch_ready()
    aim.map([{"text": "a"}], PROMPT, into="kind", schema=["kind", "unkind"])
    capsys.readouterr()
    assert main(["export", "--batch", "ray"]) == 0
    text = capsys.readouterr().out
    assert f'ray[data]=={batch.RAY}"' in text
    assert f"run {aim.run().id}" in text
    constants = [node.value for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant)]
    job = json.loads(next(str(each) for each in constants if '"messages":' in str(each)))
    assert job["messages"] == [{"role": "user", "content": PROMPT}]
    assert job["sampling"]["structured_outputs"] == {"choice": ["kind", "unkind"]}
    assert job["into"] == "kind"
    assert "host" not in job["engine"]


def test_what_can_not_go_along_is_said(fake: Callable[..., Path]) -> None:
    fake()
    launch_ready()
    aim.map([{"text": "a"}], lambda row: row["text"])
    with pytest.raises(BadUsage, match="a template"):
        batch.job(runs.find().read_as(MapRun))


@pytest.mark.engine
@pytest.mark.timeout(1200)
def test_ray_data_does_a_hundred_rows_on_the_real_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    use_installed_engine(monkeypatch)
    rows = [{"n": at, "text": f"sentence {at}"} for at in range(ROWS)]
    rows[3]["text"] = None
    server = aim.launch("demo").wait()
    few = aim.map(rows[:4], PROMPT, into="kind", schema=["kind", "unkind"])
    program = tmp_path / "job.py"
    program.write_text(batch.job(runs.find().read_as(MapRun)))
    python = server.view.record.plan.argv[0]
    server.stop()
    packages = environment.make(config.data_dir() / "tests" / "ray", python)
    given, out = tmp_path / "in.parquet", tmp_path / "out"
    pd.DataFrame(rows).to_parquet(given)
    environment.run_job(python, packages, program, given, out)
    lines = [line for file in out.glob("*.json*") for line in file.read_text().splitlines()]
    said = sorted(map(json.loads, lines), key=lambda row: row["n"])
    assert [row["n"] for row in said] == list(range(ROWS))
    assert said[3]["kind_error"] == "no value: text" == few[3]["kind_error"]
    answered = [row for row in said if row["n"] != 3]
    assert {row["kind"] for row in answered} <= {"kind", "unkind"}
    assert not any(row["kind_error"] for row in answered)
    assert [row["kind"] for row in said[:3]] == [row["kind"] for row in few[:3]]
    assert [row["kind_tokens_in"] for row in said[:3]] == [row["kind_tokens_in"] for row in few[:3]]
