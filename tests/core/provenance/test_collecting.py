"""A record's name changes with all that may change an answer, and with nothing else."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from aim_jupyter.core import provenance
from aim_jupyter.core.provenance import collecting
from aim_jupyter.core.records import Plan, Source
from aim_jupyter.core.records.engine import Image
from aim_jupyter.core.records.provenance import Served

Change = Callable[[Plan, Path], Plan]


@pytest.fixture
def plan(tmp_path: Path) -> Plan:
    """A plan in an environment of its own, with a model, a drafter, an adapter and a template."""
    site = tmp_path / "env/lib/python3.11/site-packages"
    for name in ("torch-2.13.0+cpu", "vllm-0.32.0", "pip-24.0"):
        (site / f"{name}.dist-info").mkdir(parents=True)
    for name in ("model", "draft", "lora", "tokenizer"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
        (tmp_path / name / "model.safetensors").write_bytes(b"weights")
    (tmp_path / "template.jinja").write_text("{{ messages }}")
    python = tmp_path / "env/bin/python"
    model = str(tmp_path / "model")
    draft = {"model": str(tmp_path / "draft"), "num_speculative_tokens": 3}
    return Plan(
        server="one",
        model="org/name",
        recipe_id="cpu-bf16-tp1",
        origin="derived",
        engine="vllm",
        engine_name="managed",
        engine_version="0.32.0",
        platform="cpu",
        model_path=model,
        argv=(
            *(str(python), "-m", "vllm.entrypoints.cli.main", "serve", model),
            *("--served-model-name", "org/name", "default", "--max-model-len", "1024"),
            *("--chat-template", str(tmp_path / "template.jinja"), "--enforce-eager"),
            *("--lora-modules", f"kind={tmp_path / 'lora'}", "--seed", "7"),
            *("--tokenizer", str(tmp_path / "tokenizer")),
            *("--speculative-config", json.dumps(draft), "--middleware", "aim_guard.Guard"),
            *("--download-dir", "/scratch/a"),
        ),
        env={"VLLM_CPU_KVCACHE_SPACE": "4", "HF_HUB_CACHE": "/scratch/hub"},
    )


def collected(plan: Plan, **inherited: str) -> Served:
    return provenance.collect(plan, inherited)


def argued(plan: Plan, before: str, after: str) -> Plan:
    return replace(plan, argv=tuple(after if word == before else word for word in plan.argv))


def written(name: str, text: str) -> Change:
    def change(plan: Plan, home: Path) -> Plan:
        (home / name).write_text(text)
        return plan

    return change


def installed(before: str, after: str) -> Change:
    def change(plan: Plan, home: Path) -> Plan:
        site = home / "env/lib/python3.11/site-packages"
        (site / f"{before}.dist-info").rename(site / f"{after}.dist-info")
        return plan

    return change


MATTERS: dict[str, Change] = {
    "weights": written("model/model.safetensors", "weightz"),
    "config": written("model/config.json", "[]"),
    "a file more": written("model/generation_config.json", "{}"),
    "template": written("template.jinja", "{{ other }}"),
    "adapter": written("lora/model.safetensors", "other"),
    "drafter": written("draft/model.safetensors", "other"),
    "tokenizer": written("tokenizer/config.json", "[]"),
    "torch": installed("torch-2.13.0+cpu", "torch-2.14.0+cpu"),
    "the engine's build": installed("vllm-0.32.0", "vllm-0.32.0+rocm72"),
    "engine version": lambda plan, _: replace(plan, engine_version="0.33.0"),
    "engine": lambda plan, _: replace(plan, engine="sglang"),
    "platform": lambda plan, _: replace(plan, platform="rocm"),
    "model": lambda plan, _: replace(plan, model="org/other"),
    "revision": lambda plan, _: replace(plan, revision="0" * 40),
    "source": lambda plan, _: replace(plan, source=Source(kind="package", name="p", note="Q4")),
    "recipe": lambda plan, _: replace(plan, recipe_id="cpu-fp32-tp1"),
    "origin": lambda plan, _: replace(plan, origin="user"),
    "image": lambda plan, _: replace(plan, image=Image(name="i", id="sha256:1", program="podman")),
    "an option": lambda plan, _: argued(plan, "1024", "2048"),
    "seed": lambda plan, _: argued(plan, "7", "8"),
    "a switch": lambda plan, _: replace(plan, argv=(*plan.argv, "--enable-prefix-caching")),
    "a switch less": lambda plan, _: argued(plan, "--enforce-eager", "--seed=7"),
    "a variable": lambda plan, _: replace(plan, env={**plan.env, "VLLM_CPU_KVCACHE_SPACE": "8"}),
    "an adapter's name": lambda plan, home: argued(
        plan, f"kind={home / 'lora'}", f"other={home / 'lora'}"
    ),
    "one drafted token": lambda plan, _: replace(
        plan, argv=tuple(word.replace('tokens": 3', 'tokens": 4') for word in plan.argv)
    ),
}  # fmt: skip
INDIFFERENT: dict[str, Change] = {
    "server's name": lambda plan, _: replace(plan, server="two"),
    "port": lambda plan, _: replace(plan, port=8000, listen="unix"),
    "time limits": lambda plan, _: replace(plan, idle_s=1.0, lifetime_s=2.0, restarts=3),
    "how it is started": lambda plan, _: replace(plan, mode="warm", mode_reason="fast"),
    "reasons": lambda plan, _: replace(plan, reasons=("r",), changes=("c",), asked=("a",)),
    "cache folder": lambda plan, _: replace(plan, env={**plan.env, "HF_HUB_CACHE": "/other"}),
    "compile cache": lambda plan, _: replace(plan, env={**plan.env, "VLLM_CACHE_ROOT": "/o"}),
    "download folder": lambda plan, _: argued(plan, "/scratch/a", "/scratch/b"),
    "served name": lambda plan, _: argued(plan, "default", "standard"),
    "the guard": lambda plan, _: argued(plan, "aim_guard.Guard", "aim_guard.Other"),
    "pip": installed("pip-24.0", "pip-25.0"),
    "a text beside": written("model/README.md", "words"),
}


@pytest.mark.parametrize("name", MATTERS)
def test_what_may_change_an_answer_changes_the_name(name: str, plan: Plan, tmp_path: Path) -> None:
    before = collected(plan).id
    assert collected(MATTERS[name](plan, tmp_path)).id != before


@pytest.mark.parametrize("name", INDIFFERENT)
def test_what_changes_no_answer_does_not(name: str, plan: Plan, tmp_path: Path) -> None:
    before = collected(plan)
    assert collected(INDIFFERENT[name](plan, tmp_path)) == before


def test_the_same_files_elsewhere_are_the_same(plan: Plan, tmp_path: Path) -> None:
    before = collected(plan).id
    moved = tmp_path / "elsewhere" / "model"
    moved.parent.mkdir()
    Path(plan.model_path).rename(moved)
    there = replace(argued(plan, plan.model_path, str(moved)), model_path=str(moved))
    assert collected(there).id == before


def test_variables_that_an_engine_inherits_count_and_secrets_do_not(plan: Plan) -> None:
    before = collected(plan).id
    assert collected(plan, VLLM_ATTENTION_BACKEND="TRITON_ATTN").id != before
    for name in ("VLLM_API_KEY", "HF_TOKEN", "HOME", "PWD", "HIP_VISIBLE_DEVICES", "VLLM_PORT"):
        assert collected(plan, **{name: "secret"}).id == before, name
    assert "secret" not in str(collected(plan, VLLM_API_KEY="secret"))


def test_no_path_stands_in_a_record(plan: Plan, tmp_path: Path) -> None:
    assert str(tmp_path) not in str(collected(plan))


def test_an_environment_without_distributions_has_none(tmp_path: Path) -> None:
    assert collecting.packages(tmp_path / "bin/python") == {}
