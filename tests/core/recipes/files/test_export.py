"""A plan for other places: each form is read back by what it is for."""

import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec import structs

from aim_jupyter.core.choice.amd_rules import Question, select
from aim_jupyter.core.errors import BadUsage
from aim_jupyter.core.recipes import Catalogue, catalogue, reconcile
from aim_jupyter.core.recipes.files.export import export
from aim_jupyter.core.records import EngineEnvironment, Plan, Recipe
from aim_jupyter.core.records.plan import TARGETS
from tests.core.conftest import box, laptop, rank

PARTS = tuple[Plan, Recipe]


def plan(model: str, vllm: EngineEnvironment, kind: str | None = "MI300X", **asked: Any) -> PARTS:
    machine = box(kind, 8) if kind else laptop(8)
    choice = rank(catalogue().find(model), machine, **asked)[0]
    recipe = choice.recipe
    done = reconcile(recipe.args, recipe.env, flags=vllm.flags, variables=vllm.variables)
    start = ["/venv/bin/python", "-m", "vllm", "--model", recipe.weights.repo]
    ours = ["--served-model-name", recipe.model, "default", "--middleware", "aim_guard.Guard"]
    made = Plan(
        server="s",
        model=recipe.model,
        recipe_id=recipe.id,
        origin=recipe.origin,
        engine="vllm",
        engine_name="managed",
        engine_version="0.32.0",
        platform="rocm" if kind else "cpu",
        model_path=recipe.weights.repo if kind else "/models/demo",
        argv=(*start, *ours, *done.argv),
        env=done.env,
        gpus=choice.gpus,
        gpu_model=recipe.gpu_model,
    )
    return made, recipe


def test_a_shell_script_runs_the_engine(vllm: EngineEnvironment, tmp_path: Path) -> None:
    script = export(*plan("gpt-oss-120b", vllm, metric="latency"), "shell")
    fake = tmp_path / "vllm"
    fake.write_text('#!/bin/sh\nprintf "%s\\n" "$HIP_VISIBLE_DEVICES" "$@"\n')
    fake.chmod(0o755)
    done = subprocess.run(
        ["sh"], input=script, capture_output=True, text=True, check=True,
        env={"PATH": f"{tmp_path}:/usr/bin:/bin"},
    )  # fmt: skip
    devices, verb, repo, *words = done.stdout.splitlines()
    assert (devices, verb, repo) == ("0,1,2,3", "serve", "openai/gpt-oss-120b")
    assert json.loads(words[words.index("--compilation-config") + 1])
    assert words[-4:] == ["--host", "127.0.0.1", "--port", "8000"]
    assert "--middleware" not in words


def test_the_docker_line(vllm: EngineEnvironment) -> None:
    line = export(*plan("Qwen/Qwen3-32B", vllm), "docker")
    words = shlex.split(line.replace("\\\n", ""))
    image = words.index("vllm/vllm-openai-rocm:v0.32.0")
    assert words[:3] == ["docker", "run", "--rm"]
    assert {"--device=/dev/kfd", "--device=/dev/dri", "--ipc=host"} <= set(words[:image])
    assert "HIP_VISIBLE_DEVICES=0" in words
    assert "127.0.0.1:8000:8000" in words
    assert words[image + 1] == "Qwen/Qwen3-32B"
    assert "--middleware" not in words
    cpu = export(*plan("demo", vllm, None), "docker")
    assert "/dev/kfd" not in cpu
    assert "-v /models/demo:/models/demo:ro" in cpu
    assert "vllm-cpu-env:v0.32.0 \\\n  /models/demo " in cpu


@pytest.mark.parametrize(
    "model", ["Qwen/Qwen3-32B", "openai/gpt-oss-120b", "meta-llama/Llama-3.1-8B-Instruct"]
)
def test_amds_runtime_would_take_the_profile(
    vllm: EngineEnvironment, tmp_path: Path, model: str
) -> None:
    made, recipe = plan(model, vllm)
    text = export(made, recipe, "aim-profile")
    below = text.splitlines()[0].rpartition("keep it as ")[2]
    path = tmp_path / "profiles" / below
    path.parent.mkdir(parents=True)
    path.write_text(text)
    found = Catalogue([tmp_path / "profiles"])
    assert found.problems == ()
    metadata = yaml.safe_load(text)["metadata"]
    question = Question(
        model=model, gpu="MI300X", gpu_count=recipe.tp,
        precision=metadata["precision"], metric=metadata["metric"],
    )  # fmt: skip
    taken = select(found.registry(model), question).recipe
    assert taken
    assert taken.id == f"custom/{model}/{path.stem}"
    done = reconcile(taken.args, taken.env, flags=vllm.flags, variables=vllm.variables)
    own = reconcile(recipe.args, recipe.env, flags=vllm.flags, variables=vllm.variables)
    switched_off = {name for name, value in own.args.items() if value is False}
    assert {n: v for n, v in done.args.items() if n not in switched_off} == {
        n: v for n, v in own.args.items() if n not in switched_off
    }
    assert done.env == own.env


def test_aim_service(vllm: EngineEnvironment) -> None:
    model, template, service = yaml.safe_load_all(
        export(*plan("Qwen/Qwen3-32B", vllm), "aim-service")
    )
    assert [one["kind"] for one in (model, template, service)] == [
        "AIMModel", "AIMServiceTemplate", "AIMService",
    ]  # fmt: skip
    spec = template["spec"]
    assert (spec["aimId"], spec["precision"]) == ("Qwen/Qwen3-32B", "fp16")
    assert spec["hardware"] == {"gpu": {"model": "MI300X", "requests": 1}}
    assert spec["customProfile"]["engineArgs"]["max-num-seqs"] == 512
    assert service["spec"]["template"]["name"] == template["metadata"]["name"]
    assert service["spec"]["model"]["name"] == model["metadata"]["name"]


def test_kserve(vllm: EngineEnvironment) -> None:
    service = yaml.safe_load(export(*plan("gpt-oss-120b", vllm, metric="latency"), "kserve"))
    (container,) = service["spec"]["predictor"]["containers"]
    assert container["resources"]["limits"] == {"amd.com/gpu": "4"}
    assert container["args"][0] == "openai/gpt-oss-120b"
    assert {"name": "VLLM_ROCM_USE_AITER", "value": "1"} in container["env"]
    name = service["metadata"]["name"]
    assert name == "openai-gpt-oss-120b"
    assert name.replace("-", "").isalnum()


@pytest.mark.parametrize("target", TARGETS)
def test_no_form_holds_a_secret_or_a_path_of_this_machine(
    vllm: EngineEnvironment, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("VLLM_API_KEY", "secret-key")
    text = export(*plan("Qwen/Qwen3-32B", vllm), target)
    assert "secret" not in text.replace("secretKeyRef", "")
    assert "/venv" not in text
    assert "aim_guard" not in text


def test_an_unknown_form(vllm: EngineEnvironment) -> None:
    with pytest.raises(BadUsage, match="'helm' is no form of a plan"):
        export(*plan("Qwen/Qwen3-32B", vllm), "helm")


@pytest.mark.parametrize("target", TARGETS)
def test_a_plan_for_another_engine_is_written_down_for_nobody(
    vllm: EngineEnvironment, target: str
) -> None:
    made, recipe = plan("Qwen/Qwen3-32B", vllm)
    with pytest.raises(BadUsage, match="this one is for echo"):
        export(structs.replace(made, engine="echo"), recipe, target)


@pytest.mark.parametrize("target", ["aim-profile", "aim-service", "kserve"])
def test_all_gpus_of_a_plan_are_asked_for(vllm: EngineEnvironment, target: str) -> None:
    made, recipe = plan("Qwen/Qwen3-32B", vllm)
    spread = structs.replace(made, gpus=tuple(range(2 * recipe.tp)))
    one, two = export(made, recipe, target), export(spread, recipe, target)
    changed = [
        (before, after)
        for before, after in zip(one.splitlines(), two.splitlines(), strict=True)
        if before != after
    ]
    assert changed
    for before, after in changed:
        assert after == before.replace(str(recipe.tp), str(2 * recipe.tp))
